"""ZIP files that are made while they are sent, of any size."""

from __future__ import annotations

import re
import time
import zipfile
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path

from fastapi import Request
from fastapi.responses import StreamingResponse

from ....auth.keys import Scope
from ...security.authorization import access_watcher

MAX_IMAGES = 50_000
"""Images in one archive: each takes memory until the end."""
PART_BYTES = 2**18
EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a ZIP file can hold."""
MAX_NAME_LENGTH = 150
UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')
RESERVED = re.compile(r"(?i:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)")
"""Names that Windows gives to devices."""


class ZipStream:
    """One archive. Its functions yield the bytes that are ready; `end` completes it."""

    def __init__(self) -> None:
        self._sink = _Sink()
        self._zip = zipfile.ZipFile(self._sink, "w", zipfile.ZIP_STORED)

    def file(self, name: str, path: Path) -> Generator[bytes, None, bool]:
        """Add a file, and return False if it can't be opened any more."""
        try:
            file = path.open("rb")
            changed = _time_of(path)
        except OSError:
            return False
        with file, self._zip.open(zipfile.ZipInfo(name, changed), "w", force_zip64=True) as entry:
            while part := file.read(PART_BYTES):
                entry.write(part)
                yield self._sink.taken()
        return True

    def lines(self, name: str, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Add a text of these lines."""
        with self._zip.open(zipfile.ZipInfo(name, time.localtime()[:6]), "w", force_zip64=True) as entry:
            for line in lines:
                entry.write(line + b"\n")
                yield self._sink.taken()

    def end(self) -> bytes:
        """Return the rest of the archive."""
        self._zip.close()
        return self._sink.taken()


class UniqueNames:
    """Names in one archive that every system can store, and that differ by more than the case of letters."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, wanted: str) -> str:
        """Return a name for a file that has the name `wanted`."""
        name = safe_name(wanted)
        stem, dot, ending = name.rpartition(".") if "." in name else (name, "", "")
        number = 1
        while name.casefold() in self._taken:
            number += 1
            name = f"{stem}_{number}{dot}{ending}"
        self._taken.add(name.casefold())
        return name


def safe_name(name: str) -> str:
    """Return the name without what Windows, Linux or macOS does not take in a file's name."""
    name = UNSAFE.sub("_", name).strip(" .")
    stem, dot, ending = name.rpartition(".") if "." in name else (name, "", "")
    name = f"{stem[: MAX_NAME_LENGTH - len(ending)]}{dot}{ending}"
    return f"_{name}" if not name or RESERVED.match(name) else name


def zip_response(request: Request, parts: Callable[[], Iterator[bytes]], file_name: str) -> StreamingResponse:
    """Return the response with an archive, which breaks off when the client loses access.

    Args:
        parts: yields the archive's bytes.
        file_name: in printable ASCII without quotes, as `safe_name` returns it for such a name.
    """
    lasts = access_watcher(request, Scope.READ)

    def sent() -> Iterator[bytes]:
        for part in parts():
            if not lasts():
                raise ConnectionAbortedError("access revoked")  # the file lacks its end, so that a client notices
            yield part

    headers = {"Content-Disposition": f'attachment; filename="{file_name}"', "Accept-Ranges": "none"}
    return StreamingResponse(sent(), media_type="application/zip", headers=headers)


class _Sink:
    """The bytes of the file that are not sent yet. It can't seek, so that sizes follow the content."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Do nothing, as there is no buffer."""

    def close(self) -> None:
        """Do nothing, as nothing is open."""

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


def _time_of(path: Path) -> tuple[int, int, int, int, int, int]:
    year, month, day, hour, minute, second = time.localtime(path.stat().st_mtime)[:6]
    return max((year, month, day, hour, minute, second), EARLIEST)
