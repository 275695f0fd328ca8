"""API keys: their creation, list and revocation while Fooocus runs, and their storage as hashes."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fooocus_api.auth.keyring import Keyring
from fooocus_api.auth.keys import (
    ALL_SCOPES,
    USUAL_SCOPES,
    BrokenKeys,
    Key,
    KeyQuota,
    Scope,
    digest_of,
    load,
    named_key,
    save,
)
from fooocus_api.tests.support.client import Client, wait_for
from fooocus_api.tests.support.keys import add_key, key_of, keys_command, keys_process

if TYPE_CHECKING:
    from fooocus_api.tests.conftest import DemoFactory


BOT = Key("bot", digest_of(b"of the bot"), USUAL_SCOPES, KeyQuota(images_per_day=3), "2026-01-31T18:00:00+01:00")


# ------------------------------------------------------------------ on the command line


def test_a_key_of_the_command_line_may_do_everything_and_may_have_a_name() -> None:
    key = named_key("shop:s3cret:with a colon")
    assert (key.name, key.digest, key.scopes) == ("shop", digest_of(b"s3cret:with a colon"), ALL_SCOPES)


def test_without_a_name_it_gets_one_that_is_always_the_same_and_tells_nothing() -> None:
    name = named_key("s3cret").name
    assert name == named_key("s3cret").name != named_key("s3cres").name
    assert name.startswith("key-") and name[4:] not in digest_of(b"s3cret")


@pytest.mark.parametrize("text", ["", " ", "bot:", ":s3cret", "two words:s3cret", "webui:s3cret", "API:s3cret"])
def test_a_wrong_one_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(ValueError, match="key") as refusal:
        named_key(text)
    assert "s3cret" not in str(refusal.value)


def test_a_wrong_flag_ends_the_start_without_showing_it(demo_factory: DemoFactory) -> None:
    with pytest.raises(Exception, match="KEY or NAME:KEY") as refusal:
        demo_factory("--apikey", "two words:s3cret")
    assert "s3cret" not in str(refusal.value)


# ------------------------------------------------------------------------- the file


def test_the_file_comes_back_as_it_was_written_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "new" / "keys.json"
    keys = [BOT, Key("all", digest_of(b"x"))]
    save(file, keys)
    assert load(file) == keys and [path.name for path in file.parent.iterdir()] == ["keys.json"]
    assert os.name == "nt" or file.stat().st_mode & 0o777 == 0o600


def entry(**changes: object) -> str:
    key = {"name": "bot", "sha256": "0" * 64, "scopes": ["read"], "limits": {}, "created": ""}
    return json.dumps({"version": 1, "keys": [{**key, **changes}]})


BROKEN = {
    "": "not valid JSON",
    "{": "not valid JSON",
    "[]": "is invalid",
    "[" * 100_000: "is invalid",
    '{"version": 2, "keys": []}': "version 2",
    '{"version": 1}': "'?keys'? is missing",
    '{"version": 1, "keys": [1]}': "is invalid",
    entry(name="webui"): "key 1: key name 'webui' is reserved",
    entry(name=""): "key 1: key name is invalid",
    entry(sha256="s3cret"): "key 1: sha256 is not",
    entry(scopes=["draw"]): "key 1: 'draw' is not a valid Scope",
    entry(scopes=None): "key 1",
    entry(limits={"images_per_day": 0}): "key 1: images_per_day is not a number above 0",
    entry(limits={"images_per_day": "many"}): "key 1: images_per_day",
    entry(limits={"images_per_week": 3}): "key 1.*images_per_week",
    entry(until="tomorrow"): "key 1 has the unknown member 'until'",
}


@pytest.mark.parametrize("content", BROKEN, ids=BROKEN.values())
def test_a_broken_file_is_refused_with_the_reason(tmp_path: Path, content: str) -> None:
    file = tmp_path / "keys.json"
    file.write_text(content)
    with pytest.raises(BrokenKeys, match=BROKEN[content]) as refusal:
        load(file)
    assert str(file) in str(refusal.value) and "s3cret" not in str(refusal.value)
    assert str(refusal.value).endswith("; correct it, or restore a copy")


def test_two_keys_of_one_name_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "keys.json", [BOT, BOT])
    with pytest.raises(BrokenKeys, match="two keys with the same name; remove one"):
        load(tmp_path / "keys.json")


def test_the_file_counts_as_it_is_now_and_opens_nothing_when_it_breaks_or_goes(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    keys = Keyring([], file)
    assert not keys.needed() and keys.find(b"of the bot") is None
    save(file, [BOT])
    assert keys.needed() and keys.find(b"of the bot") == BOT and keys.find(b"wrong") is None
    save(file, [])
    assert keys.needed() and keys.find(b"of the bot") is None
    file.write_text("{")
    assert keys.needed()
    with pytest.raises(BrokenKeys):
        keys.find(b"of the bot")
    save(file, [BOT])
    assert keys.find(b"of the bot") == BOT
    file.unlink()
    assert keys.needed()
    with pytest.raises(BrokenKeys, match="is missing"):
        keys.find(b"of the bot")


def test_keys_of_the_command_line_work_beside_a_broken_file(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("{")
    keys = Keyring([BOT], tmp_path / "keys.json")
    assert keys.needed() and keys.find(b"of the bot") == BOT
    with pytest.raises(BrokenKeys):
        keys.find(b"another")


# ------------------------------------------------------------------------ the command


def test_a_key_is_made_listed_and_revoked(tmp_path: Path) -> None:
    made = keys_process(tmp_path, "add", "bot", "--scopes", "read-all, admin", "--images-per-day", "9")
    key = made.stdout.strip()
    assert made.returncode == 0 and len(key) > 43 and key not in made.stderr
    assert str(tmp_path / ".fooocus_api" / "keys.json") in made.stderr
    (kept,) = load(tmp_path / ".fooocus_api" / "keys.json")
    assert (kept.name, kept.digest) == ("bot", digest_of(key.encode()))
    assert kept.scopes == {Scope.READ_ALL, Scope.ADMIN} and kept.limits == KeyQuota(images_per_day=9)
    listed = keys_process(tmp_path, "list").stdout
    assert all(text in listed for text in ("bot", "read-all, admin", "images-per-day 9")) and kept.digest not in listed
    revoked = keys_process(tmp_path, "revoke", "bot")
    assert revoked.returncode == 0 and "keys.json" in revoked.stdout
    assert load(tmp_path / ".fooocus_api" / "keys.json") == []


def test_what_the_command_can_not_do_is_said_and_changes_nothing(tmp_path: Path) -> None:
    assert keys_command(tmp_path, "add", "bot").returncode == 0
    file = tmp_path / ".fooocus_api" / "keys.json"
    before = file.read_bytes()
    for arguments, said in (
        (("add", "bot"), "already"),
        (("revoke", "shop"), "the key shop does not exist"),
        (("add", "webui"), "key name 'webui' is reserved"),
        (("add", "x", "--scopes", "draw"), "generate, read, read-all, control, admin"),
        (("add", "x", "--pending-tasks", "0"), "is not a number above 0"),
    ):
        done = keys_command(tmp_path, *arguments)
        assert done.returncode != 0 and said in done.stderr and not done.stdout
    assert file.read_bytes() == before
    file.write_text("{")
    for line in ("add x", "list", "revoke bot"):
        done = keys_command(tmp_path, *line.split())
        assert done.returncode == 1 and "is not valid JSON" in done.stderr
    assert file.read_text() == "{"


# ------------------------------------------------------------------------- over HTTP


def test_keys_come_and_go_without_a_restart_and_are_kept_nowhere(demo_factory: DemoFactory) -> None:
    host = demo_factory()
    stranger = Client(host.url)
    assert stranger.get("/v1/info").status_code == 200
    bot = add_key(host, "bot")
    key = key_of(bot)
    assert stranger.get("/v1/info").status_code == 401
    assert stranger.get("/healthz").status_code == 200
    record = bot.draw()
    assert record["source"] == "bot"
    basic = base64.b64encode(f"anyone:{key}".encode()).decode()
    for headers in ({"X-API-KEY": key}, {"Authorization": f"Bearer {key}"}, {"Authorization": f"Basic {basic}"}):
        assert stranger.get("/v1/info", headers=headers).status_code == 200
    assert stranger.get("/v1/info", params={"apikey": key, "X-API-KEY": key}).status_code == 401
    broken = bot.generate(scheduler_name=key[:5])
    assert broken.status_code == 422 and key not in broken.text
    assert keys_command(host.outputs, "revoke", "bot").returncode == 0
    refused = bot.get("/v1/info")
    assert refused.status_code == 401 and key not in refused.text
    host.stop()
    for file in (path for path in host.folder.rglob("*") if path.is_file()):
        assert key.encode() not in file.read_bytes(), file


def test_nobody_gets_in_by_a_broken_file_and_the_reason_is_said(demo_factory: DemoFactory) -> None:
    host = demo_factory("--apikey", "boss:of-the-command-line")
    bot, boss, stranger = add_key(host, "bot"), Client(host.url, "of-the-command-line"), Client(host.url)
    file = host.outputs / ".fooocus_api" / "keys.json"
    good = file.read_bytes()
    file.write_bytes(good[:-20])
    for client in (bot, stranger):
        refused = client.get("/v1/info")
        assert refused.status_code == 503 and refused.headers["content-type"] == "application/problem+json"
        assert str(file) not in refused.text and refused.headers["retry-after"]
    assert boss.get("/v1/info").status_code == 200
    wait_for(lambda: "keys.json is not valid JSON" in host.log(), "the reason to be said")
    host.stop()
    host.start()
    assert bot.get("/v1/info").status_code == 503
    file.write_bytes(good)
    assert bot.get("/v1/info").status_code == 200 and stranger.get("/v1/info").status_code == 401
