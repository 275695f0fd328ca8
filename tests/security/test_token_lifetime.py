"""The life of a token: with its key, over restarts, and where no key is needed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fooocus_api.auth.keys import Scope, load, save
from fooocus_api.tests.support.api_calls.tokens import BOSS, asked, token_of
from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.event_streams import reading
from fooocus_api.tests.support.host import Host, demo_host
from fooocus_api.tests.support.keys import add_key, keys_command

if TYPE_CHECKING:
    from fooocus_api.tests.conftest import DemoFactory


def scopes(host: Host, name: str, *names: Scope) -> None:
    file = host.outputs / ".fooocus_api" / "keys.json"
    save(file, [replace(key, scopes=frozenset(names)) if key.name == name else key for key in load(file)])


def renamed(host: Host, name: str) -> None:
    file = host.outputs / ".fooocus_api" / "keys.json"
    save(file, [replace(key, name=f"{name}-2") if key.name == name else key for key in load(file)])


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with demo_host("--nowebui", "--apikey", f"boss:{BOSS}") as host:
        yield host


@pytest.mark.parametrize("how", ["revoked", "replaced", "fewer scopes", "more scopes", "renamed", "broken"])
def test_it_ends_with_its_key(host: Host, how: str) -> None:
    save(host.outputs / ".fooocus_api" / "keys.json", [])
    token = token_of(add_key(host, "bot", "--scopes", "generate,read-all"), scope="read-all")
    with reading(Client(host.url), "/v1/events", token=token) as reader:
        if how == "revoked":
            keys_command(host.outputs, "revoke", "bot").check_returncode()
        elif how == "replaced":
            keys_command(host.outputs, "revoke", "bot").check_returncode()
            add_key(host, "bot", "--scopes", "generate,read-all")
        elif how == "fewer scopes":
            scopes(host, "bot", Scope.READ)
        elif how == "more scopes":
            scopes(host, "bot", Scope.GENERATE, Scope.READ_ALL, Scope.ADMIN)
        elif how == "renamed":
            renamed(host, "bot")
        else:
            (host.outputs / ".fooocus_api" / "keys.json").write_text("{")
        assert reader.ended.wait(10), "the idle stream is open"
        assert asked(host, "/v1/info", token).status_code == (503 if how == "broken" else 401)


def test_it_outlives_a_restart(host: Host) -> None:
    token = token_of(Client(host.url, BOSS))
    host.stop()
    host.start()
    assert asked(host, "/v1/info", token).status_code == 200


def test_where_no_key_is_needed_it_opens_nothing_more(demo_factory: DemoFactory) -> None:
    host = demo_factory("--nowebui")
    token = token_of(Client(host.url))
    assert asked(host, "/tasks", token).status_code == 200 and asked(host, "/tasks", "any").status_code == 200
    add_key(host, "first")
    assert asked(host, "/tasks", token).status_code == 401
