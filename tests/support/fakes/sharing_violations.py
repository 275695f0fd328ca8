"""Sharing violations as Windows raises them, in this process or, through the environment, in others. Stdlib only.

Every third deletion or rename in some folders fails and succeeds on retry; each one of a held file fails. All processes share
the count, so that it does not start again with each command.
"""

from __future__ import annotations

import builtins
import io
import json
import os
import pathlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import Any

VARIABLE = "FOOOCUS_API_TEST_VIOLATIONS"
NAMES = ("unlink", "remove", "replace", "rename")
ACCESSOR = getattr(pathlib, "_normal_accessor", None)
"""Holder of the functions that Python 3.10's pathlib calls: it took them from `os` on import."""
SITE = """\
import importlib.util
spec = importlib.util.spec_from_file_location("sharing_violations", {path!r})
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
module.begin()
"""


class SharingViolation(PermissionError):
    """The error for a file that another program has open, by default a sharing violation (32)."""

    def __init__(self, path: str, winerror: int = 32) -> None:
        reason = "The process cannot access the file because it is being used by another process"
        super().__init__(13, reason, path)
        self.winerror = winerror


class Violations:
    """Violations in some folders.

    Args:
        state: a folder outside of them that records calls and violations.
        every: a deletion or rename fails once in this many calls; 0 fails only those of held files.
    """

    def __init__(self, state: Path, *folders: Path, every: int = 3) -> None:
        self.state = state
        self.folders = [os.path.realpath(folder) + os.sep for folder in folders]
        self.every = every
        state.mkdir(exist_ok=True)

    def made(self) -> list[str]:
        """Return `<function> <path>` of each violation so far."""
        path = self.state / "violations"
        return path.read_text("utf-8").splitlines() if path.exists() else []

    def hold(self, *patterns: str) -> None:
        """Hold the files whose paths match one of these open in another program, and no others, from now on."""
        (self.state / "held").write_text("\n".join(patterns), "utf-8")

    def lock(self, *patterns: str) -> None:
        """Hold these files exclusively in another program, and no others, from now on: they can't even be read."""
        (self.state / "locked").write_text("\n".join(patterns), "utf-8")

    def environment(self) -> dict[str, str]:
        """Return environment variables that apply the violations in a new Python process from its start."""
        site = self.state / "site"
        site.mkdir(exist_ok=True)
        (site / "sitecustomize.py").write_text(SITE.format(path=__file__), "utf-8")
        content = {"state": str(self.state), "folders": self.folders, "every": self.every}
        paths = [str(site), *filter(None, [os.environ.get("PYTHONPATH")])]
        return {VARIABLE: json.dumps(content), "PYTHONPATH": os.pathsep.join(paths)}

    @contextmanager
    def here(self) -> Iterator[None]:
        """Apply the violations in this process."""
        places: list[tuple[Any, str]] = [(os, name) for name in NAMES]
        places += [(ACCESSOR, name) for name in NAMES if hasattr(ACCESSOR, name)]
        real = [(place, name, getattr(place, name)) for place, name in places]
        for place, name, function in real:
            setattr(place, name, self._failing(name, function))
        readers: tuple[Any, ...] = (io, builtins, ACCESSOR)
        for place in readers:
            if hasattr(place, "open"):
                real.append((place, "open", place.open))
                place.open = partial(self._opened, place.open)
        try:
            yield
        finally:
            for place, name, function in real:
                setattr(place, name, function)

    def _failing(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            number = 2 if name in ("replace", "rename") else 1
            paths = [absolute(path, named) for path in arguments[:number] if isinstance(path, (str, os.PathLike))]
            if any(path.startswith(folder) for path in paths for folder in self.folders) and os.path.lexists(paths[0]):
                self._count(name, paths)
            return real(*arguments, **named)

        return call

    def _opened(self, real: Callable[..., Any], path: Any, mode: str = "r", *rest: Any, **named: Any) -> Any:
        """Open a file, or raise if the call reads a locked file."""
        if isinstance(path, (str, os.PathLike)) and mode.strip("bt") == "r":
            file = absolute(os.fspath(path), {})
            inside = any(file.startswith(folder) for folder in self.folders) and os.path.lexists(file)
            if inside and any(pattern and fnmatch(file, pattern) for pattern in self._patterns("locked")):
                raise SharingViolation(file)
        return real(path, mode, *rest, **named)

    def _patterns(self, name: str) -> list[str]:
        try:
            return (self.state / name).read_text("utf-8").split("\n")
        except FileNotFoundError:
            return []

    def _count(self, name: str, paths: list[str]) -> None:
        """Raise if the call concerns a held file or is the third one."""
        held = self._patterns("held")
        is_held = any(pattern and fnmatch(path, pattern) for path in paths for pattern in held)
        if not is_held and (not self.every or self._append("calls", "x") % self.every):
            return
        self._append("violations", f"{name} {paths[0]}\n")
        raise SharingViolation(paths[0])

    def _append(self, name: str, text: str) -> int:
        file = os.open(self.state / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            os.write(file, text.encode())
            return os.fstat(file).st_size
        finally:
            os.close(file)


def begin() -> None:
    """Apply the violations of the environment until this process ends."""
    if VARIABLE in os.environ:
        content = json.loads(os.environ[VARIABLE])
        violations = Violations(Path(content["state"]), *map(Path, content["folders"]), every=content["every"])
        _kept.append(violations.here())
        _kept[-1].__enter__()


_kept: list[Any] = []


def absolute(path: str | os.PathLike[str], named: dict[str, Any]) -> str:
    """Return the absolute path of a call of `os`, whose named arguments may hold the open folder it is relative to."""
    folder = named.get("dir_fd")
    if folder is not None:
        return os.path.join(_path_of(folder), path)
    parent, name = os.path.split(os.path.abspath(path))
    return os.path.join(os.path.realpath(parent), name)


def _path_of(folder: int) -> str:
    """Return the path of an open folder: shutil deletes relative to open folders if it can."""
    if sys.platform == "darwin":
        import fcntl

        return fcntl.fcntl(folder, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0").decode()
    return os.readlink(f"/proc/self/fd/{folder}")
