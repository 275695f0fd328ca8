"""Downloads over restarts: continued from the bytes on the disk, or paused until their credentials come again."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from fooocus_api.tasks.model_files.build import ModelFileServices
from fooocus_api.tasks.model_files.downloads import TooManyDownloads
from fooocus_api.tasks.model_files.receiving.partial_file import FOLDER_NAME
from fooocus_api.tasks.model_files.receiving.records import DownloadErrorCode, DownloadRequest, DownloadState
from fooocus_api.tests.support.client import Client, wait_for
from fooocus_api.tests.support.host import DEMO, Host, demo_host
from fooocus_api.tests.support.hosts.installation_copies import copy_checkout
from fooocus_api.tests.support.servers.file_server import CONTENT, FileServer, safetensors
from fooocus_api.tests.support.servers.model_folders import (
    FoldersOnDisk,
    done,
    ended,
    services,
)

PATH = "/v1/engine/model-files"


def failed_half(server: FileServer, folders: FoldersOnDisk, **fields: object) -> str:
    """Return the id of a failed download with a part of 1000 bytes, whose process has ended."""
    parts = services(folders)
    request = replace(DownloadRequest(f"{server.url}/always_broken/x", "loras", "a.safetensors"), **fields)  # type: ignore[arg-type]
    record = ended(parts, parts.downloads.submit(request).download_id)
    assert (record.state, record.received) == (DownloadState.FAILED, 1000)
    folder = folders.root / "loras" / FOLDER_NAME
    (folder / f"{record.download_id}.lock").unlink()  # the claim of a process that has ended
    return record.download_id


def as_if_killed(folders: FoldersOnDisk, download_id: str, behaviour: str = "whole", **changes: object) -> None:
    """Change a stored download into one whose process was killed while it received. `behaviour` is that of the server now."""
    file = folders.root / "loras" / FOLDER_NAME / f"{download_id}.json"
    content = json.loads(file.read_text("utf-8"))
    url = content["record"]["url"].replace("always_broken", behaviour)
    content["record"].update({"state": "downloading", "error": None, "url": url})
    content.update(changes)
    file.write_text(json.dumps(content), "utf-8")


def recovered(folders: FoldersOnDisk) -> ModelFileServices:
    parts = services(folders)
    parts.downloads.recover()
    return parts


def test_download_continues_from_its_synced_bytes(server: FileServer, folders: FoldersOnDisk) -> None:
    download_id = failed_half(server, folders)
    as_if_killed(folders, download_id, synced=600)
    record = done(recovered(folders), download_id)
    assert record.sha256 == server.sha256
    assert server.requests_of("whole")[0].headers["range"] == "bytes=600-"


def test_download_that_begins_again_keeps_no_earlier_bytes(server: FileServer, folders: FoldersOnDisk) -> None:
    download_id = failed_half(server, folders)
    as_if_killed(folders, download_id, "held", synced=1000)
    parts = recovered(folders)
    assert server.is_half_sent.wait(30)
    file = folders.root / "loras" / FOLDER_NAME / f"{download_id}.json"
    wait_for(lambda: json.loads(file.read_text("utf-8"))["synced"] == 0, "the answer to be stored")
    server.go_on.set()
    assert done(parts, download_id).sha256 == server.sha256


def test_download_with_credentials_is_paused_and_keeps_none(server: FileServer, folders: FoldersOnDisk) -> None:
    headers = {"Authorization": "Bearer good"}
    download_id = failed_half(server, folders, headers=headers)
    stored = (folders.root / "loras" / FOLDER_NAME / f"{download_id}.json").read_text("utf-8")
    assert "Bearer" not in stored
    as_if_killed(folders, download_id)
    parts = recovered(folders)
    record = parts.downloads.get(download_id)
    assert record.state is DownloadState.PAUSED and record.error is not None
    assert record.error.code is DownloadErrorCode.CREDENTIALS_NEEDED
    parts.downloads.resume(download_id, lambda before: replace(before, headers=headers))
    done(parts, download_id)
    assert server.requests_of("whole")[0].headers["authorization"] == "Bearer good"


def test_failed_download_stays_failed_and_can_be_resumed(server: FileServer, folders: FoldersOnDisk) -> None:
    download_id = failed_half(server, folders)
    parts = recovered(folders)
    assert parts.downloads.get(download_id).state is DownloadState.FAILED
    parts.downloads.cancel(download_id)
    assert not list((folders.root / "loras" / FOLDER_NAME).glob("*.part"))


def test_hash_of_a_finished_download_is_known_later(server: FileServer, folders: FoldersOnDisk) -> None:
    parts = services(folders)
    request = DownloadRequest(f"{server.url}/whole/x", "loras", "a.safetensors")
    done(parts, parts.downloads.submit(request).download_id)
    later = recovered(folders)
    (file,) = later.installed.files()["loras"]
    assert (file.sha256, file.short_hash) == (server.sha256, server.sha256[:10])
    (folders.root / "loras" / "a.safetensors").write_bytes(safetensors(5))
    (file,) = later.installed.files()["loras"]
    assert file.sha256 is None


def test_kill_right_after_the_rename_ends_as_done(server: FileServer, folders: FoldersOnDisk) -> None:
    parts = services(folders)
    request = DownloadRequest(f"{server.url}/whole/x", "loras", "a.safetensors")
    download_id = parts.downloads.submit(request).download_id
    done(parts, download_id)
    installed = folders.root / "loras" / "a.safetensors"
    for synced in (len(CONTENT), 5):
        os.link(installed, installed.parent / FOLDER_NAME / f"{download_id}.part")
        as_if_killed(folders, download_id, synced=synced, installed=None)
        ended(recovered(folders), download_id)
        assert installed.read_bytes() == CONTENT
    assert len(server.seen) == 1


def test_download_of_another_process_is_left_alone(server: FileServer, folders: FoldersOnDisk) -> None:
    working = services(folders)
    request = DownloadRequest(f"{server.url}/held/x", "loras", "a.safetensors")
    download_id = working.downloads.submit(request).download_id
    assert server.is_half_sent.wait(30)
    assert recovered(folders).downloads.all() == []
    server.go_on.set()
    done(working, download_id)


def test_broken_state_is_skipped_and_orphans_are_deleted(folders: FoldersOnDisk) -> None:
    folder = folders.root / "loras" / FOLDER_NAME
    folder.mkdir()
    for name, text in (("a", "{"), ("b", "[]"), ("c", '{"version": 1}'), ("d", '{"version": 9}'), ("e", "[" * 10**5)):
        (folder / f"{name}.json").write_text(text, "utf-8")
    (folder / "f.part").write_bytes(b"1")
    assert recovered(folders).downloads.all() == [] and not (folder / "f.part").exists()


def test_number_of_downloads_is_bounded(server: FileServer, folders: FoldersOnDisk) -> None:
    parts = services(folders)
    requests = [DownloadRequest(f"{server.url}/held/x", "loras", f"{number}.safetensors") for number in range(51)]
    for request in requests[:50]:
        parts.downloads.submit(request)
    with pytest.raises(TooManyDownloads):
        parts.downloads.submit(requests[50])
    for record in parts.downloads.all():
        parts.downloads.cancel(record.download_id)


def test_killed_host_continues_its_download(server: FileServer, tmp_path: Path) -> None:
    checkout = copy_checkout(DEMO, tmp_path / "demo")
    with demo_host("--allow-private-urls", "127.0.0.1/32", "--model-disk-reserve", "0.01", checkout=checkout) as host:
        body = {"url": f"{server.url}/held_once/new.safetensors", "folder": "loras"}
        download_id = Client(host.url).post(PATH, json=body).json()["id"]
        assert server.is_half_sent.wait(30)
        host.kill()
        host.start()
        assert until_done(host, download_id)["sha256"] == server.sha256
        assert (checkout / "models" / "loras" / "new.safetensors").read_bytes() == CONTENT


def until_done(host: Host, download_id: str) -> dict[str, object]:
    def look() -> dict[str, object] | None:
        state: dict[str, object] = Client(host.url).get(f"{PATH}/downloads/{download_id}").json()
        return state if state["state"] not in ("waiting", "downloading", "checking") else None

    state: dict[str, object] = wait_for(look, "the download to end", 60)
    assert state["state"] == "done", state
    return state
