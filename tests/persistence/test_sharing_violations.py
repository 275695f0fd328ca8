"""Sharing violations, as on Windows: one in three deletions and renamings fails, and its retry succeeds.

Where a file stays held for the whole time, the old content is whole, and the error names the reason.
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fooocus_api import __version__
from fooocus_api.installer.purge import history_of
from fooocus_api.tests.images.test_inputs import picture
from fooocus_api.tests.stress.crash import crash
from fooocus_api.tests.support.client import Client, wait_for
from fooocus_api.tests.support.databases.histories import add_to_history
from fooocus_api.tests.support.fakes.sharing_violations import Violations
from fooocus_api.tests.support.host import Host, demo_host
from fooocus_api.tests.support.hosts.installation_copies import make_sandbox, snapshot
from fooocus_api.tests.support.keys import keys_process

pytestmark = pytest.mark.nightly

Make = Callable[..., Violations]
REASON = "being used by another process"


@pytest.fixture
def host() -> Iterator[Host]:
    """Yield a demo host that is not started yet."""
    host = demo_host()
    yield host
    host.close()


# ------------------------------------------------------------------- the fake itself


def test_each_third_fails_in_this_process_and_in_another(tmp_path: Path, violations_in: Make) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    violations = violations_in(folder)
    code = f"""if 1:
        import os, pathlib
        for number in range(9):
            path = pathlib.Path({str(folder)!r}, str(number))
            path.write_text("")
            ways = [path.unlink, lambda: os.remove(path), lambda: path.replace(path.with_name("x"))]
            try:
                ways[number % 3]()
            except PermissionError as error:
                assert error.winerror == 32
        """
    subprocess.run([sys.executable, "-c", code], check=True)
    assert [line.split()[0] for line in violations.made()] == ["replace"] * 3
    with violations.here():
        (folder / "2").unlink()
        (folder / "5").unlink()
        with pytest.raises(PermissionError):
            (folder / "8").unlink()
        (tmp_path / "elsewhere").write_text("")
        for _ in range(3):
            (tmp_path / "elsewhere").rename(tmp_path / "elsewhere")
    (folder / "8").unlink()
    assert len(violations.made()) == 4


# ---------------------------------------------------------------- a whole Fooocus


@pytest.mark.nightly
def test_random_kills_lose_nothing(host: Host, violations_in: Make) -> None:
    violations = violations_in(host.outputs)
    row = crash(host, rounds=4, seed=random.randrange(1_000_000), pause=1.5)
    assert row["rounds"] == 4 and violations.made()


def page_of(host: Host) -> str:
    return "".join(page.read_text("utf-8") for page in host.outputs.glob("*/log.html"))


def test_deletions_leave_nothing(host: Host, violations_in: Make) -> None:
    violations = violations_in(host.outputs)
    client = Client(host.start().url)
    for _ in range(6):
        client.draw(image_number=2)
    history = client.tasks(query="history")["history"]
    for record in history[:3]:
        assert client.request("DELETE", f"/tasks/{record['task_id']}").status_code == 204
        assert not any(Path(url).name in page_of(host) for url in record["result"])
    assert len(host.images()) == 6
    answer = client.get("/tasks", params={"action": "delete", "start_at": "2020-01-01"}).json()
    assert answer == {"message": "3 tasks deleted", "deleted": 3}
    assert not host.images() and "image-container" not in page_of(host)
    assert sum("log.html" in line or ".png" in line for line in violations.made()) > 3
    host.stop()
    assert not list((host.outputs / ".fooocus_api" / "unfinished").iterdir()) and "Traceback" not in host.log()


def test_retention_deletes_what_is_too_much(host: Host, violations_in: Make) -> None:
    violations = violations_in(host.outputs)
    client = Client(host.start().url)
    for _ in range(5):
        client.draw()
    host.stop()
    host.flags = (*host.flags, "--keep-count", "1")
    before = len(violations.made())
    host.start()
    wait_for(lambda: len(host.images()) == 1, "four images to go")
    wait_for(lambda: len(client.tasks(query="history")["history"]) == 1, "four tasks to go")
    assert len(violations.made()) > before and "Traceback" not in host.log()


def test_images_that_are_looked_at_elsewhere_go_when_they_can(host: Host, violations_in: Make) -> None:
    """Skip held images: neither a deletion nor a start of Fooocus waits for the other program."""
    violations = violations_in(host.outputs, every=0)
    client = Client(host.start().url)
    records = [client.draw() for _ in range(3)]
    names = [Path(record["result"][0]).name for record in records]
    violations.hold(*(f"*/{name}" for name in names[:2]))
    assert client.request("DELETE", f"/tasks/{records[0]['task_id']}").status_code == 204
    assert client.get(f"/tasks/{records[0]['task_id']}").status_code == 404
    assert client.get(records[0]["result"][0]).status_code == 404
    answer = client.get("/tasks", params={"action": "delete", "start_at": "2020-01-01"}).json()
    message = "2 tasks deleted; 1 of their images are open in another program and will be deleted later"
    assert answer == {"message": message, "deleted": 2, "files_left": 1}
    assert {path.name for path in host.images()} == set(names[:2])
    host.stop()
    host.start()
    assert client.get("/v1/info").json()["problem"] is None
    assert {path.name for path in host.images()} == set(names[:2])
    assert all(name in host.log() for name in names[:2]) and "Traceback" not in host.log()
    violations.hold()
    client.draw()
    wait_for(lambda: len(host.images()) == 1, "both to go with the end of a task")
    wait_for(lambda: not any(name in page_of(host) for name in names), "their entries to go")
    claims = host.outputs / ".fooocus_api" / "unfinished"
    wait_for(lambda: not list(claims.iterdir()), "their claims to go")


def test_uploads_are_kept_or_refused(host: Host, violations_in: Make) -> None:
    violations = violations_in(host.outputs)
    client = Client(host.start().url)
    folder = host.outputs / ".fooocus_api" / "inputs"
    for number in range(6):
        answer = client.post("/inputs", files={"image": ("x.png", picture(colour=(number, 0, 0)))})
        assert answer.status_code == 201, answer.text
    assert len(list(folder.iterdir())) == 6 and violations.made()
    violations.hold("*/inputs/*.png")
    answer = client.post("/inputs", files={"image": ("x.png", picture(colour=(0, 7, 0)))})
    assert answer.status_code == 503 and REASON in answer.json()["detail"] and "Retry-After" in answer.headers
    assert len(list(folder.iterdir())) == 6, "half of a file"
    violations.hold()
    assert client.post("/inputs", files={"image": ("x.png", picture(colour=(0, 7, 0)))}).status_code == 201


def test_an_image_that_another_program_has_for_itself_is_there_later(host: Host, violations_in: Make) -> None:
    violations = violations_in(host.outputs, every=0)
    client = Client(host.start().url)
    record = client.draw(output_format="png", require_base64=True)
    sent = client.post("/inputs", files={"image": ("x.png", picture())}).json()
    urls = [record["result"][0], sent["url"]]
    asked: list[dict[str, str]] = [{}, {"Range": "bytes=0-9"}, {"Accept": "image/jpeg"}]
    etag = client.get(urls[0]).headers["ETag"]
    violations.lock("*.png")

    for url in urls:
        for method in ("GET", "HEAD"):
            for headers in asked:
                answer = client.request(method, url, headers=headers)
                assert answer.status_code == 503 and int(answer.headers["Retry-After"]) > 0, (url, headers)
                assert answer.headers["Content-Type"] == "application/problem+json"
                if method == "GET":
                    assert REASON in answer.json()["detail"]
    assert client.get(urls[0], headers={"If-None-Match": etag}).status_code == 304
    now = client.task(record["task_id"])
    assert now["images"][0]["base64"] is None and record["images"][0]["base64"]
    assert "images[0].base64" in now["incomplete"][0] and REASON in now["incomplete"][0]
    for accept in ("image/png", "image/webp"):
        answer = client.generate(accept=accept, output_format="png")
        assert answer.status_code == 503 and "Retry-After" in answer.headers, answer.text
        assert client.task(answer.json()["task_id"])["task_status"] == "finished"
    answer = client.post("/v1/tools/describe-image", json={"image": sent["url"]})
    assert answer.status_code == 503 and REASON in answer.json()["detail"]

    violations.lock()
    for url in urls:
        assert client.get(url).status_code == 200 and client.get(url, headers=asked[1]).status_code == 206
        assert client.get(url, headers=asked[2]).headers["Content-Type"] == "image/jpeg"
    again = client.task(record["task_id"])
    assert "incomplete" not in again and again["images"][0]["base64"] == record["images"][0]["base64"]
    assert "Exception in ASGI application" not in host.log()


# --------------------------------------------------------------------------- keys


def test_keys_are_added_and_revoked_while_fooocus_runs(host: Host, violations_in: Make) -> None:
    violations = violations_in(host.outputs, every=2)
    host.start()
    keys = {}
    for name in ("first", "second", "third"):
        done = keys_process(host.outputs, "add", name)
        assert done.returncode == 0, done.stderr
        keys[name] = done.stdout.strip()
    for name, key in keys.items():
        assert Client(host.url, key).get("/tasks").status_code == 200
        assert keys_process(host.outputs, "revoke", name).returncode == 0
        assert Client(host.url, key).get("/tasks").status_code == 401
    assert sum("replace" in line for line in violations.made()) >= 3
    assert not list((host.outputs / ".fooocus_api").glob("*.tmp"))


def test_a_list_of_keys_that_stays_held_is_as_it_was(tmp_path: Path, violations_in: Make) -> None:
    outputs = tmp_path / "outputs"
    assert keys_process(outputs, "add", "first").returncode == 0
    state = outputs / ".fooocus_api"
    before = snapshot(state)
    violations = violations_in(outputs, every=0)
    violations.hold("*/keys.json")
    for command in (("add", "second"), ("revoke", "first")):
        done = keys_process(outputs, *command)
        assert done.returncode != 0 and done.stdout == ""
        assert "keys.json can't be written" in done.stderr and REASON in done.stderr and "Traceback" not in done.stderr
    assert snapshot(state) == before and len(violations.made()) > 10


# ---------------------------------------------------------------------- installing


def test_it_installs_upgrades_and_uninstalls(tmp_path: Path, violations_in: Make) -> None:
    sandbox = make_sandbox(tmp_path)
    checkout = sandbox.checkout()
    before = snapshot(checkout, sandbox.site_packages)
    violations = violations_in(checkout, sandbox.site_packages)

    def run(*arguments: str | Path) -> str:
        done = sandbox.install(*arguments)
        assert done.returncode == 0 and not done.stderr, done.stdout + done.stderr
        return done.stdout

    run(checkout)
    init = checkout / "extensions" / "fooocus_api" / "__init__.py"
    fresh = snapshot_of_contents(checkout)
    for number in range(3):
        init.write_text(init.read_text("utf-8").replace(__version__, f"0.0.{number}"), "utf-8")
        assert f"0.0.{number} -> {__version__}" in run(checkout)
        assert snapshot_of_contents(checkout) == fresh
    run("--check", checkout)
    run("--uninstall", checkout)
    assert snapshot(checkout, sandbox.site_packages) == before and not (checkout / "extensions").exists()
    assert sum("rename" in line for line in violations.made()) and sum("unlink" in line for line in violations.made())


def snapshot_of_contents(folder: Path) -> dict[str, bytes]:
    return {path: content for path, (content, _) in snapshot(folder).items()}


def test_an_extension_that_stays_held_is_not_replaced(tmp_path: Path, violations_in: Make) -> None:
    sandbox = make_sandbox(tmp_path)
    checkout = sandbox.checkout()
    assert sandbox.install(checkout).returncode == 0
    extension = checkout / "extensions" / "fooocus_api"
    init = extension / "__init__.py"
    init.write_text(init.read_text("utf-8").replace(__version__, "0.0.1"), "utf-8")
    before = snapshot(checkout, sandbox.site_packages)
    violations = violations_in(checkout, every=0)
    violations.hold(str(extension), str(extension / "db"))  # with the folder alone held, its content would be exchanged
    done = sandbox.install(checkout)
    assert done.returncode == 1 and "stop Fooocus" in done.stderr and REASON in done.stderr
    assert snapshot(checkout, sandbox.site_packages) == before and violations.made()


def test_a_purge_deletes_every_image(tmp_path: Path, violations_in: Make) -> None:
    sandbox = make_sandbox(tmp_path)
    checkout = sandbox.checkout()
    assert sandbox.install(checkout).returncode == 0
    day = checkout / "outputs" / "2026-01-31"
    history = history_of(checkout / "outputs")
    day.mkdir(parents=True)
    for number in range(5):
        (day / f"{number}.png").write_bytes(b"image")
    add_to_history(checkout / "outputs", [(number, "api", f"2026-01-31/{number}.png") for number in range(5)])
    violations = violations_in(checkout, sandbox.site_packages, every=2)
    done = sandbox.install("--uninstall", "--purge", checkout)
    assert done.returncode == 0 and "purged: 5 images, the history" in done.stdout, done.stdout + done.stderr
    assert not list(day.iterdir()) and not history.exists() and not (checkout / "extensions").exists()
    assert sum(".png" in line for line in violations.made()) >= 3
