"""A small file system for a host's outputs that can be filled to its last byte."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

SIZE_MIB = 1024
PIECE = 2**16


class SmallDisk:
    """A file system of its own for a host's outputs, in memory. Linux, as root."""

    def __init__(self, folder: Path, size_mib: int = SIZE_MIB) -> None:
        self._folder = folder
        self._size = size_mib
        self._ballast = folder / ".ballast"

    @staticmethod
    def why_not() -> str | None:
        """Return the reason why this machine can't mount one, if any."""
        if sys.platform != "linux" or os.geteuid() != 0:
            return "it needs Linux and root"
        try:
            with tempfile.TemporaryDirectory() as folder, SmallDisk(Path(folder), 1):
                return None
        except (OSError, subprocess.CalledProcessError) as error:
            return f"nothing can be mounted here: {error}"

    def __enter__(self) -> SmallDisk:
        self._folder.mkdir(exist_ok=True)
        size = ("-o", f"size={self._size}m,mode=755")
        subprocess.run(["mount", "-t", "tmpfs", *size, "fooocus-api-test", self._folder], check=True)
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", "--lazy", self._folder], check=True)

    @contextlib.contextmanager
    def full(self) -> Iterator[None]:
        """Fill the disk within the `with` block, including space that a deletion frees, as another program would."""
        full, over = threading.Event(), threading.Event()
        thread = threading.Thread(target=self._fill, args=(full, over))
        thread.start()
        full.wait()
        try:
            yield
        finally:
            over.set()
            thread.join()
            self._ballast.unlink()

    def _fill(self, full: threading.Event, over: threading.Event) -> None:
        with self._ballast.open("wb", buffering=0) as file:
            while not over.is_set():
                for piece in (bytes(PIECE), bytes(4096)):
                    with contextlib.suppress(OSError):
                        while not over.is_set():
                            file.write(piece)
                full.set()
                over.wait(0.02)
