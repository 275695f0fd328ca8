"""Files a task needs that are not there yet. Called by the service, before the task is queued."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import requests

CHUNK = 1 << 20
TIMEOUT = (10, 60)
"""Seconds to connect, and between two bytes."""


class DownloadError(Exception):
    """A file could not be had; the message says which and why."""


@dataclass(frozen=True)
class Download:
    """A file to be fetched from `url` to `path`."""

    url: str
    path: Path

    def fetch(self, tell: Callable[[float | None], None]) -> None:
        """Fetch it whole or not at all. `tell` is called with the share that is there, None when the size is unknown.

        Raises:
            DownloadError: it can't be reached, broke off, or can't be written.
        """
        part = self.path.with_name(self.path.name + ".part")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with requests.get(self.url, stream=True, timeout=TIMEOUT) as response, part.open("wb") as file:
                response.raise_for_status()
                size = int(response.headers.get("content-length") or 0)
                for chunk in response.iter_content(CHUNK):
                    file.write(chunk)
                    tell(file.tell() / size if size else None)
                if size and file.tell() != size and "content-encoding" not in response.headers:
                    raise DownloadError(f"{self.path.name} broke off after {file.tell()} of {size} bytes")
            os.replace(part, self.path)
        except (requests.RequestException, OSError) as error:
            raise DownloadError(f"{self.path.name} could not be downloaded from {self.url}: {error}") from error
        finally:
            with contextlib.suppress(OSError):
                part.unlink()
