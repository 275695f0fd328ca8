"""Names, kinds and control of downloads: where files go, which are refused, and how downloads are cancelled and resumed."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from fooocus_api.tasks.model_files.build import ModelFileServices
from fooocus_api.tasks.model_files.downloads import UnknownDownload, WrongDownloadState
from fooocus_api.tasks.model_files.job import DownloadJob
from fooocus_api.tasks.model_files.receiving.partial_file import StoredDownload
from fooocus_api.tasks.model_files.receiving.records import (
    DownloadErrorCode,
    DownloadFailed,
    DownloadProblem,
    DownloadRecord,
    DownloadRequest,
    DownloadState,
)
from fooocus_api.tests.support.client import wait_for
from fooocus_api.tests.support.servers.file_server import CONTENT, FileServer
from fooocus_api.tests.support.servers.model_folders import (
    FoldersOnDisk,
    done,
    ended,
    fetch,
    parts_in,
    services,
    wanted,
)

NAME = "new.safetensors"


# ------------------------------------------------------------------------- names and kinds


def test_server_names_the_file(server: FileServer, folders: FoldersOnDisk, parts: ModelFileServices) -> None:
    url = f"{server.url}/named/x?%E7%8B%97%20dog.safetensors"
    record = done(parts, parts.downloads.submit(DownloadRequest(url, "loras")).download_id)
    assert record.name == "狗 dog.safetensors" and (folders.root / "loras" / record.name).is_file()


@pytest.mark.parametrize("name", ["..%2F..%2Fevil.safetensors", "%5C..%5Cevil.safetensors"])
def test_servers_name_stays_in_the_folder(server: FileServer, folders: FoldersOnDisk, name: str) -> None:
    parts = services(folders)
    record = done(parts, parts.downloads.submit(DownloadRequest(f"{server.url}/named/x?{name}", "loras")).download_id)
    assert record.name == "evil.safetensors" and (folders.root / "loras" / record.name).is_file()


@pytest.mark.parametrize("name", ["con.safetensors", "a%3Ab.safetensors", "a.exe", ".hidden.safetensors"])
def test_servers_name_is_checked(server: FileServer, parts: ModelFileServices, name: str) -> None:
    record = fetch(parts, DownloadRequest(f"{server.url}/named/x?{name}", "loras"))
    assert record.error is not None and record.error.code is DownloadErrorCode.NAME_REFUSED


def test_nameless_file_needs_a_name(server: FileServer, parts: ModelFileServices) -> None:
    record = fetch(parts, wanted(server, "whole", None))
    assert record.error is not None and record.error.code is DownloadErrorCode.NAME_REFUSED


def test_pickle_is_refused_unless_allowed(server: FileServer, folders: FoldersOnDisk) -> None:
    with pytest.raises(DownloadFailed) as refused:
        services(folders).downloads.submit(wanted(server, "whole", "a.ckpt"))
    assert refused.value.problem.code is DownloadErrorCode.PICKLE_REFUSED
    record = fetch(services(folders), DownloadRequest(f"{server.url}/named/x?a.ckpt", "loras"))
    assert record.error is not None and record.error.code is DownloadErrorCode.PICKLE_REFUSED
    parts = services(folders, allow_pickles=True)
    done(parts, parts.downloads.submit(wanted(server, "whole", "a.ckpt")).download_id)
    unknown = fetch(parts, wanted(server, "without_length", "b.ckpt"))
    assert unknown.error is not None and unknown.error.code is DownloadErrorCode.SIZE_MISMATCH


def test_taken_name_is_refused(server: FileServer, folders: FoldersOnDisk, parts: ModelFileServices) -> None:
    (folders.root / "loras" / "New.SAFETENSORS").write_bytes(b"before")
    with pytest.raises(DownloadFailed) as refused:
        parts.downloads.submit(wanted(server, "whole"))
    assert refused.value.problem.code is DownloadErrorCode.NAME_TAKEN


def test_file_that_appears_during_the_download_is_kept(
    server: FileServer, folders: FoldersOnDisk, parts: ModelFileServices
) -> None:
    download_id = parts.downloads.submit(wanted(server, "held")).download_id
    assert server.is_half_sent.wait(30)
    (folders.root / "loras" / NAME).write_bytes(b"of the user")
    server.go_on.set()
    record = ended(parts, download_id)
    assert record.error is not None and record.error.code is DownloadErrorCode.NAME_TAKEN
    assert (folders.root / "loras" / NAME).read_bytes() == b"of the user"


def test_name_may_have_sub_folders(server: FileServer, folders: FoldersOnDisk, parts: ModelFileServices) -> None:
    done(parts, parts.downloads.submit(wanted(server, "whole", "sdxl/styles/a.safetensors")).download_id)
    assert (folders.root / "loras" / "sdxl" / "styles" / "a.safetensors").read_bytes() == CONTENT
    listed = parts.installed.files("loras")["loras"]
    assert [(file.name, file.sha256) for file in listed] == [("sdxl/styles/a.safetensors", server.sha256)]


def test_name_may_not_lead_through_a_link(server: FileServer, folders: FoldersOnDisk, parts: ModelFileServices) -> None:
    outside = folders.root / "outside"
    outside.mkdir()
    try:
        (folders.root / "loras" / "link").symlink_to(outside, target_is_directory=True)
    except OSError:
        pytest.skip("no links here")
    with pytest.raises(DownloadFailed):
        parts.downloads.submit(wanted(server, "whole", "link/a.safetensors"))


def test_unreadable_folder_is_named_and_not_retried(
    server: FileServer, folders: FoldersOnDisk, parts: ModelFileServices
) -> None:
    url = f"{server.url}/held_before/a.safetensors"
    download_id = parts.downloads.submit(DownloadRequest(url, "loras")).download_id
    folders.break_loras()
    server.go_on.set()
    record = ended(parts, download_id)
    assert record.error is not None and record.error.code is DownloadErrorCode.STORAGE_FAILED, record.error
    assert len(server.seen) == 1


# ------------------------------------------------------------------------- control


def test_cancelled_download_leaves_nothing(
    server: FileServer, folders: FoldersOnDisk, parts: ModelFileServices
) -> None:
    download_id = parts.downloads.submit(wanted(server, "held")).download_id
    assert server.is_half_sent.wait(30)
    assert parts.downloads.cancel(download_id).state is DownloadState.CANCELLED
    wait_for(lambda: not parts_in(folders.root), "the part to be deleted")
    for action in (parts.downloads.cancel, lambda one: parts.downloads.resume(one, lambda request: request)):
        with pytest.raises(WrongDownloadState):
            action(download_id)
    done(parts, parts.downloads.submit(wanted(server, "whole")).download_id)


def test_cancelled_while_it_waits(server: FileServer, parts: ModelFileServices) -> None:
    running = [parts.downloads.submit(wanted(server, "held", f"{number}.safetensors")) for number in range(2)]
    waiting = parts.downloads.submit(wanted(server, "whole"))
    assert parts.downloads.cancel(waiting.download_id).state is DownloadState.CANCELLED
    server.go_on.set()
    for record in running:
        done(parts, record.download_id)
    assert server.requests_of("whole") == []


def test_accepted_cancellation_is_never_followed_by_a_failure(folders: FoldersOnDisk) -> None:
    problem = DownloadProblem(DownloadErrorCode.NOT_FOUND, "the server answers 404; check the URL")
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for number in range(150):
            request = DownloadRequest("https://a.example/x", "loras", NAME)
            record = DownloadRecord(f"{number:032}", "loras", request.shown_url, 0, NAME, DownloadState.DOWNLOADING)
            job = DownloadJob(StoredDownload.of(record, request), folders.root / "loras", request, lambda _: None)
            with ThreadPoolExecutor(2) as threads:
                failing, cancelling = threads.submit(job.fail, problem), threads.submit(job.cancel)
            failing.result()
            assert cancelling.result() and job.record.state is DownloadState.CANCELLED, number
    finally:
        sys.setswitchinterval(interval)


def test_two_downloads_of_one_name_are_refused(server: FileServer, parts: ModelFileServices) -> None:
    first = parts.downloads.submit(wanted(server, "held"))
    with pytest.raises(DownloadFailed) as refused:
        parts.downloads.submit(wanted(server, "whole"))
    assert first.download_id in refused.value.problem.message


def test_failed_download_is_resumed_with_other_credentials(server: FileServer, parts: ModelFileServices) -> None:
    record = fetch(parts, wanted(server, "unauthorized", headers={"Authorization": "Bearer bad"}))
    assert record.error is not None and record.error.code is DownloadErrorCode.UNAUTHORIZED
    change = {"Authorization": "Bearer good"}
    parts.downloads.resume(record.download_id, lambda before: replace(before, headers=change))
    assert done(parts, record.download_id).error is None


def test_failed_download_continues_with_its_part(server: FileServer, parts: ModelFileServices) -> None:
    record = fetch(parts, wanted(server, "always_broken"))
    assert record.received == 1000
    other = record.url.replace("always_broken", "whole")
    parts.downloads.resume(record.download_id, lambda before: replace(before, url=other))
    assert done(parts, record.download_id).url == other
    assert server.requests_of("whole")[0].headers["range"] == "bytes=1000-"


def test_unknown_download_is_unknown(parts: ModelFileServices) -> None:
    with pytest.raises(UnknownDownload):
        parts.downloads.get("none")
