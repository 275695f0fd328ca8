"""Signed URLs of images: without a key they open one image for a limited time."""

from __future__ import annotations

import http.client
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest

from fooocus_api.adapters.startup.launch_flags import add_flags
from fooocus_api.auth.signed_urls import SECRET_BYTES, STEPS, InvalidSignature, UrlSigner, load_or_create_secret
from fooocus_api.tests.conftest import DemoFactory
from fooocus_api.tests.support.client import Client, Record, picture
from fooocus_api.tests.support.host import Host, demo_host

KEY = "secret"
SIGNED = re.compile(r"\?expires=\d+&signature=[\w-]{43}")


@pytest.fixture(scope="module")
def locked() -> Iterator[Host]:
    with demo_host("--apikey", KEY) as host:
        yield host


@pytest.fixture(scope="module")
def owner(locked: Host) -> Client:
    return Client(locked.url, KEY)


@pytest.fixture(scope="module")
def nobody(locked: Host) -> Client:
    return Client(locked.url)


@pytest.fixture(scope="module")
def record(owner: Client) -> Record:
    return owner.draw(save_name="a näme with spaces")


def links(ttl: int = 3600, *, secret: bytes = b"s" * 32, protected: bool = True) -> UrlSigner:
    return UrlSigner(secret, ttl, lambda: protected)


def query(text: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(text.removeprefix("?"), keep_blank_values=True).items()}


# ------------------------------------------------------------------ what is signed


def test_every_url_of_an_image_is_signed(owner: Client, nobody: Client, record: Record) -> None:
    uploaded = owner.post("/inputs", files={"image": owner.get(record["result"][0]).content})
    assert uploaded.headers["Location"] == uploaded.json()["url"]
    varied = owner.draw(
        uov_method="Vary (Subtle)",
        uov_input_image=record["result"][0],
        mixing_image_prompt_and_vary_upscale=True,
        controlnet_image=[{"cn_img": uploaded.json()["url"], "cn_type": "ImagePrompt"}],
    )
    prompts = varied["req_params"]["controlnet_image"]
    *_, last = owner.stream()
    urls = [
        *record["result"],
        record["images"][0]["url"],
        uploaded.json()["url"],
        varied["req_params"]["uov_input_image"],
        prompts[0]["cn_img"],
        *last.data["images"],
        *owner.get("/tasks").json()["history"][0]["result"],
        owner.generate(accept="image/png").headers["Content-Location"],
    ]
    for url in urls:
        assert SIGNED.search(url), url
        response = nobody.get(url)
        assert response.status_code == 200, url
        picture(response.content)


def test_a_guess_opens_nothing(nobody: Client, record: Record) -> None:
    url = record["result"][0]
    bare = url.partition("?")[0]
    assert nobody.get(bare).status_code == 401
    assert Client(nobody.url, KEY).get(bare).status_code == 200
    assert (
        nobody.get(bare.replace("-0.png", "-1.png")).status_code == 401
    )  # nor does the answer disclose which images exist
    signature = query(urlsplit(url).query)["signature"]
    flipped = signature[:-2] + ("A" if signature[-2] != "A" else "B") + signature[-1]
    later = int(query(urlsplit(url).query)["expires"]) + 1
    for wrong in (
        url.replace(signature, flipped),
        url.replace(signature, signature[:-1]),
        url.replace(signature, ""),
        url.replace("expires=", f"expires={later}&was="),
        url.replace("expires=", "expires=-"),
        url.replace("expires=", "expires=%00"),
        url.replace("expires=", "expires=x&was="),
        f"{bare}?signature={signature}",
        url.replace("/outputs/", "/inputs/").replace(bare.rsplit("/", 2)[1] + "/", ""),
        url.replace("a%20n", "b%20n"),
    ):
        response = nobody.get(wrong)
        assert response.status_code == 403, wrong
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["code"] == "invalid_signature"
        assert Client(nobody.url, KEY).get(wrong).status_code in (200, 404)


def test_a_link_opens_one_image_and_nothing_else(nobody: Client, record: Record) -> None:
    signed = "?" + urlsplit(record["result"][0]).query
    assert nobody.get(f"/tasks/{record['task_id']}{signed}").status_code == 403
    assert nobody.get(f"/v1/info{signed}").status_code == 403
    assert nobody.request("DELETE", f"/tasks/{record['task_id']}{signed}").status_code == 401
    assert nobody.post(f"/v1/engine/generate/{signed}", json={}).status_code == 401


def test_head_and_conversion_work_with_a_link(nobody: Client, record: Record) -> None:
    assert nobody.request("HEAD", record["result"][0]).status_code == 200
    assert nobody.get(record["result"][0], headers={"Accept": "image/webp"}).headers["content-type"] == "image/webp"


def test_without_keys_urls_are_as_ever(client: Client) -> None:
    assert "?" not in client.draw()["result"][0]


def test_links_outlive_a_restart_and_end(demo_factory: DemoFactory) -> None:
    host = demo_factory("--nowebui", "--apikey", KEY, "--link-ttl", "1h")
    url = Client(host.url, KEY).draw()["result"][0]
    host.stop()
    host.start()
    assert Client(host.url).get(url).status_code == 200
    left = int(query(urlsplit(url).query)["expires"]) - time.time()
    assert 3300 < left <= 3600 + 3600 / STEPS + 1
    secret = host.outputs / ".fooocus_api" / "link_secret"
    assert secret.stat().st_size == SECRET_BYTES
    if sys.platform != "win32":
        assert secret.stat().st_mode & 0o777 == 0o600


def test_a_signed_url_can_be_used_in_requests(owner: Client, record: Record) -> None:
    for text in (record["result"][0], record["result"][0].removeprefix(owner.url)):
        again = owner.draw(uov_method="Upscale (Fast 2x)", uov_input_image=text)
        assert again["req_params"]["uov_input_image"].partition("?")[0] == record["result"][0].partition("?")[0]


@pytest.mark.parametrize(
    "path",
    [
        "/outputs/../config.txt",
        "/outputs/%2e%2e/config.txt",
        "/outputs/..%2Fconfig.txt",
        "/outputs/.fooocus_api/link_secret",
    ],
)
def test_a_signature_leads_nowhere_out(locked: Host, path: str) -> None:
    """Refuse such a path even with a valid signature."""
    state = locked.outputs / ".fooocus_api"
    signed = UrlSigner((state / "link_secret").read_bytes(), 3600, lambda: True)
    for reference in ("outputs/../config.txt", "outputs/..%2Fconfig.txt", "outputs/.fooocus_api/link_secret"):
        with closing(http.client.HTTPConnection("127.0.0.1", locked.port)) as connection:
            connection.putrequest("GET", path + signed.query(reference))
            connection.endheaders()
            response = connection.getresponse()
            body = response.read()
        assert response.status in (403, 404), body
        assert (state / "link_secret").read_bytes() not in body


# ------------------------------------------------------------------ the signature itself


def test_a_link_stays_the_same_for_a_while_and_ends() -> None:
    here = links()
    assert here.query("outputs/a/b.png").startswith("?expires=")
    expires = int(query(here.query("x"))["expires"])
    assert expires % (3600 // STEPS) == 0 and expires >= time.time() + 3600 - 1
    past = {"expires": "1000", "signature": here.signature("x", 1000)}
    with pytest.raises(InvalidSignature, match="expired"):
        here.verify("x", past)
    with pytest.raises(InvalidSignature, match="invalid"):
        here.verify("y", past)
    with pytest.raises(InvalidSignature, match="invalid"):
        links(secret=b"t" * 32).verify("x", query(here.query("x")))
    assert here.verify("x", query(here.query("x"))) and not here.verify("x", {"expires": "1"})
    assert links(protected=False).query("x") == ""


def test_a_secret_that_cannot_be_kept_is_still_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    first, second = (load_or_create_secret(tmp_path / "file" / "secret") for _ in range(2))
    assert len(first) == len(second) == SECRET_BYTES and first != second


def test_a_secret_is_made_once_and_mended_when_it_is_too_short(tmp_path: Path) -> None:
    path = tmp_path / "state" / "secret"
    assert load_or_create_secret(path) == load_or_create_secret(path) == path.read_bytes()
    path.write_bytes(b"short")
    path.chmod(0o644)
    assert len(load_or_create_secret(path)) == SECRET_BYTES
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("24h", 86400), ("7D", 604800), ("3600", 3600), ("1.5h", 5400)]
)
def test_times_are_read(text: str, seconds: int) -> None:
    assert parsed("--link-ttl", text).link_ttl == seconds


@pytest.mark.parametrize("text", ["", "h", "0", "-1h", "1y", "1h30m", "nan", "inf", "99999d", "x"])
def test_other_times_are_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed(f"--link-ttl={text}")
    assert "--link-ttl" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text", ["example.com", "https://", "https://a.example/path", "https://a.example,https://b.example"]
)
def test_what_is_no_site_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed("--api-cors", text)
    assert "--api-cors" in capsys.readouterr().err


def test_sites_are_read() -> None:
    arguments = ["https://Shop.example/", "http://localhost:3000", "*", "null", "chrome-extension://abc"]
    read = parsed(*(part for site in arguments for part in ("--api-cors", site))).api_cors
    assert read == ["https://shop.example", "http://localhost:3000", "*", "null", "chrome-extension://abc"]


def parsed(*arguments: str) -> SimpleNamespace:
    import argparse

    parser = argparse.ArgumentParser()
    add_flags(SimpleNamespace(parser=parser))  # type: ignore[arg-type]
    return parser.parse_args(arguments, SimpleNamespace())
