"""Downloads of model files from servers that break connections, lie, redirect and change their files."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from fooocus_api.outbound.address_policy import AddressPolicy
from fooocus_api.outbound.streaming import STREAM_LIMITS, StopSwitch, StreamClient
from fooocus_api.tasks.model_files.build import ModelFileServices
from fooocus_api.tasks.model_files.receiving.disk import DiskReserve
from fooocus_api.tasks.model_files.receiving.partial_file import PartialFile, Source
from fooocus_api.tasks.model_files.receiving.records import (
    DownloadErrorCode,
    DownloadFailed,
    DownloadRequest,
    DownloadState,
)
from fooocus_api.tasks.model_files.receiving.transfer import Transfer
from fooocus_api.tests.support.servers.file_server import CONTENT, FileServer
from fooocus_api.tests.support.servers.model_folders import (
    LOCAL,
    FoldersOnDisk,
    done,
    fetch,
    parts_in,
    services,
    wanted,
)

NAME = "new.safetensors"


GOOD = {
    "whole": 1,
    "broken_once": 2,
    "changed": 2,
    "ignores_if_range": 3,
    "brief_rest": 3,
    "wrong_range": 3,
    "other_total": 3,
    "ignores_range": 2,
    "without_validator": 2,
    "without_length": 1,
    "chunked": 1,
    "busy_once": 2,
    "linked": 1,
}
"""Behaviour → the number of requests until the file is complete."""


@pytest.mark.parametrize("behaviour", GOOD)
def test_file_is_complete(server: FileServer, folders: FoldersOnDisk, parts: ModelFileServices, behaviour: str) -> None:
    record = done(parts, parts.downloads.submit(wanted(server, behaviour)).download_id)
    assert (folders.root / "loras" / NAME).read_bytes() == CONTENT
    assert (record.received, record.sha256) == (len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    assert len(server.requests_of(behaviour)) == GOOD[behaviour]
    assert parts_in(folders.root) == set() and folders.refreshed == 1
    assert all(seen.headers["accept-encoding"] == "identity" for seen in server.seen)


def test_broken_connection_is_continued_where_it_broke(server: FileServer, parts: ModelFileServices) -> None:
    done(parts, parts.downloads.submit(wanted(server, "broken_once")).download_id)
    second = server.requests_of("broken_once")[1].headers
    assert second["range"] == f"bytes={len(CONTENT) // 2}-" and second["if-range"] == '"one"'


def test_rest_without_an_etag_is_continued_by_the_one_before(server: FileServer, parts: ModelFileServices) -> None:
    done(parts, parts.downloads.submit(wanted(server, "brief_rest")).download_id)
    third = server.requests_of("brief_rest")[2].headers
    assert third["range"] == "bytes=2000-" and third["if-range"] == '"one"'


class LengthsAtAnswers:
    """Receiver of progress that records the length of the part when it gets the identity of the server's file."""

    def __init__(self, partial: PartialFile) -> None:
        self.found: list[int] = []
        self._partial = partial

    def answered(self, name: str | None, source: Source, offset: int) -> str:
        self.found.append(self._partial.length())
        assert offset == 0 and source.etag == '"one"'
        return NAME

    def received(self, count: int) -> None:
        """Do nothing."""

    def synced(self, count: int) -> None:
        """Do nothing."""


def test_earlier_bytes_are_dropped_before_the_new_identity_is_recorded(server: FileServer, tmp_path: Path) -> None:
    partial = PartialFile(tmp_path, "0" * 32)
    partial.prepare(0)
    partial.path.write_bytes(bytes(1000))
    progress = LengthsAtAnswers(partial)
    transfer = Transfer(StreamClient(LOCAL), DiskReserve(0))
    transfer.run(wanted(server, "whole"), partial, Source('"earlier"', None, None, 5000), progress, StopSwitch())
    assert progress.found == [0] and partial.path.read_bytes() == CONTENT


UNKNOWN = "https://[fe80::1%25nosuch]/x"
"""A URL whose host no resolver knows, without a question to the network."""


@pytest.mark.parametrize("has_answered", [False, True])
def test_unknown_host_is_temporary_once_the_server_has_answered(
    server: FileServer, tmp_path: Path, has_answered: bool
) -> None:
    partial, source = PartialFile(tmp_path, "0" * 32), Source('"one"') if has_answered else Source()
    transfer, progress = Transfer(StreamClient(LOCAL), DiskReserve(0)), LengthsAtAnswers(partial)
    for url in (UNKNOWN, f"{server.url}/to/{UNKNOWN.replace('%', '%25')}"):
        with pytest.raises(DownloadFailed) as failed:
            transfer.run(DownloadRequest(url, "loras", NAME), partial, source, progress, StopSwitch())
        is_temporary = has_answered and url == UNKNOWN
        assert failed.value.is_transient is is_temporary
        code = DownloadErrorCode.UNREACHABLE if is_temporary else DownloadErrorCode.URL_REFUSED
        assert failed.value.problem.code is code, failed.value


BAD = {
    "always_broken": DownloadErrorCode.UNREACHABLE,
    "wrong_range_always": DownloadErrorCode.NOT_CONTINUED,
    "forgets_checksum": DownloadErrorCode.CHECKSUM_MISMATCH,
    "too_long": DownloadErrorCode.UNREACHABLE,
    "too_short": DownloadErrorCode.HEADER_INVALID,
    "truncated_without_length": DownloadErrorCode.HEADER_INVALID,
    "huge": DownloadErrorCode.DISK_FULL,
    "compressed": DownloadErrorCode.SERVER_ERROR,
    "page": DownloadErrorCode.NOT_A_MODEL_FILE,
    "page_as_file": DownloadErrorCode.NOT_A_MODEL_FILE,
    "unauthorized": DownloadErrorCode.UNAUTHORIZED,
    "missing": DownloadErrorCode.NOT_FOUND,
    "teapot": DownloadErrorCode.SERVER_ERROR,
    "round": DownloadErrorCode.UNREACHABLE,
}


@pytest.mark.parametrize("behaviour", BAD)
def test_bad_file_fails_and_leaves_no_model(
    server: FileServer, folders: FoldersOnDisk, parts: ModelFileServices, behaviour: str
) -> None:
    record = fetch(parts, wanted(server, behaviour))
    assert record.state is DownloadState.FAILED and record.error is not None
    assert record.error.code is BAD[behaviour], record.error
    assert not (folders.root / "loras" / NAME).exists() and folders.refreshed == 0
    assert bool(parts_in(folders.root)) is (record.error.code.keeps_part and record.received > 0)


def test_messages_for_broken_connections_are_in_words(server: FileServer, parts: ModelFileServices) -> None:
    words = {
        "wrong_range_always": "asked for the bytes from 1000, and sends bytes from 5",
        "always_broken": "closes the",
    }
    for behaviour, expected in words.items():
        record = fetch(parts, wanted(server, behaviour))
        assert record.error is not None and expected in record.error.message, record.error


@pytest.mark.parametrize("name", ["x.zip", "x.exe", "x.gguf", "x.txt", "x.py", "x.7z"])
def test_message_for_another_kind_of_file_names_those_that_are_allowed(
    server: FileServer, parts: ModelFileServices, name: str
) -> None:
    record = fetch(parts, DownloadRequest(f"{server.url}/whole/{name}", "loras"))
    assert record.error is not None and record.error.code is DownloadErrorCode.NAME_REFUSED
    assert repr(name) in record.error.message and ".safetensors" in record.error.message


def test_message_for_a_url_without_a_file_name_asks_for_one(server: FileServer, parts: ModelFileServices) -> None:
    for path in ("whole/5", "whole/v1.5"):
        record = fetch(parts, DownloadRequest(f"{server.url}/{path}", "loras"))
        assert record.error is not None and "send a name" in record.error.message


def test_message_for_a_page_names_the_token(server: FileServer, parts: ModelFileServices) -> None:
    record = fetch(parts, wanted(server, "page"))
    assert record.error is not None and "a token is missing" in record.error.message


def test_file_of_another_size_or_checksum_is_refused(server: FileServer, parts: ModelFileServices) -> None:
    for fields, code in (
        ({"size": 5}, DownloadErrorCode.SIZE_MISMATCH),
        ({"sha256": "0" * 64}, DownloadErrorCode.CHECKSUM_MISMATCH),
    ):
        record = fetch(parts, wanted(server, "whole", **fields))
        assert record.error is not None and record.error.code is code
    record = fetch(parts, wanted(server, "chunked", size=5))
    assert record.error is not None and record.error.code is DownloadErrorCode.SIZE_MISMATCH


def test_announced_checksum_is_checked(server: FileServer, parts: ModelFileServices) -> None:
    url = f"{server.url}/linked/x?{'0' * 64}"
    record = fetch(parts, DownloadRequest(url, "loras", NAME))
    assert record.error is not None and record.error.code is DownloadErrorCode.CHECKSUM_MISMATCH
    early = fetch(parts, DownloadRequest(f"{server.url}/linked/x", "loras", NAME, sha256="1" * 64))
    assert early.error is not None and "announces" in early.error.message and early.received == 0


def test_disk_reserve_is_left_free(server: FileServer, folders: FoldersOnDisk) -> None:
    record = fetch(services(folders, reserve_gb=10**6), wanted(server, "whole"))
    assert record.error is not None and record.error.code is DownloadErrorCode.DISK_FULL
    assert "--model-disk-reserve" in record.error.message


# ------------------------------------------------------------------------- redirects and addresses


def test_credentials_stay_with_their_origin(server: FileServer, parts: ModelFileServices) -> None:
    with FileServer(CONTENT, "127.0.0.2") as other:
        url = f"{server.url}/to/{other.url}/whole/x"
        headers = {"Authorization": "Bearer good", "Cookie": "a=b", "X-Token": "secret"}
        done(parts, parts.downloads.submit(DownloadRequest(url, "loras", NAME, headers=headers)).download_id)
    first, second = server.seen[0].headers, other.seen[0].headers
    assert first["authorization"] == "Bearer good" and first["x-token"] == "secret"
    assert not {"authorization", "cookie", "x-token"} & set(second)


def test_credentials_do_not_return_by_way_of_another_server(server: FileServer, parts: ModelFileServices) -> None:
    with FileServer(CONTENT, "127.0.0.2") as other:
        url = f"{server.url}/to/{other.url}/to/{server.url}/whole/x"
        request = DownloadRequest(url, "loras", NAME, headers={"Authorization": "Bearer good"})
        done(parts, parts.downloads.submit(request).download_id)
    assert [("authorization" in seen.headers) for seen in server.seen] == [True, False]


def test_user_and_password_in_the_url_are_sent_and_not_shown(server: FileServer, parts: ModelFileServices) -> None:
    url = server.url.replace("http://", "http://ann:pass@") + "/whole/x?token=abc&b=1"
    record = done(parts, parts.downloads.submit(DownloadRequest(url, "loras", NAME)).download_id)
    assert (
        server.seen[0].headers["authorization"].startswith("Basic ") and server.seen[0].path == "/whole/x?token=abc&b=1"
    )
    assert record.url == server.url.replace("http://", "http://***@") + "/whole/x?token=***&b=1"


def test_redirect_to_an_address_that_is_not_allowed_is_refused(server: FileServer, folders: FoldersOnDisk) -> None:
    parts = services(folders, policy=AddressPolicy([ip_network("127.0.0.1/32")]))
    with FileServer(CONTENT, "127.0.0.2") as inside:
        record = fetch(parts, DownloadRequest(f"{server.url}/to/{inside.url}/whole/x", "loras", NAME))
        assert inside.seen == []
    assert record.error is not None and record.error.code is DownloadErrorCode.URL_REFUSED


def test_plain_http_is_for_allowed_networks_only(folders: FoldersOnDisk) -> None:
    parts = services(folders, policy=AddressPolicy())
    record = fetch(parts, DownloadRequest("http://192.0.2.1/x", "loras", NAME))
    assert record.error is not None and "https" in record.error.message


def test_silent_server_is_given_up(server: FileServer, folders: FoldersOnDisk) -> None:
    parts = services(folders, limits=replace(STREAM_LIMITS, silence_s=0.2))
    record = fetch(parts, wanted(server, "held"))
    assert record.error is not None and record.error.code is DownloadErrorCode.UNREACHABLE
    assert "does not answer" in record.error.message and record.received > 0
