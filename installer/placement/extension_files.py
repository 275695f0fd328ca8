"""Copies the extension's files into a checkout, replaces an older version, and removes them."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import subprocess  # nosec B404  # git with lists of arguments, no shell
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ...files.replacing import PAUSES_S, retried
from ..errors import InstallError
from .staging import exchange, free_name, is_half, leftovers

TOP_LEVEL = (".py", ".txt", ".md", ".bat", "LICENSE")
"""Endings of the top-level files that are copied; of the folders, Python packages are copied whole."""
DEVELOPERS_ONLY = {"tests", "benchmarks", "demo", "docs", "examples", "client"}
JUNCTION = 0xA0000003
"""Windows's reparse tag of a junction (`mklink /J`)."""
CLOSE_IT = "stop Fooocus, close what has a file of that folder open, and try again"
CACHES = {"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"}


def version_of(package: Path) -> str | None:
    """Return the `__version__` of the extension in that folder, None if the folder is not the extension."""
    try:
        text = (package / "__init__.py").read_text(encoding="utf-8")
    except OSError:
        return None
    match = re.search(r"""^__version__\s*=\s*['"](.+?)['"]""", text, re.MULTILINE)
    return match[1] if match and (package / "extension.py").is_file() else None


def place(source: Path, target: Path) -> str:
    """Make `target` equal to the package in `source`: completely or, on any failure, not at all.

    Returns:
        A message that says what was done.

    Raises:
        InstallError: the target is not this extension, or the files can't be written.
    """
    if target.exists() and target.resolve() == source.resolve():
        return f"the extension is in place already ({version_of(source)})"
    previous = version_of(target)
    if os.path.lexists(target):
        _require_replaceable(target, previous)
        if _digests(source) == _digests(target):
            _clear(target)
            return f"the extension is there already ({previous})"
    had_folder = target.parent.exists()
    new = None
    try:
        target.parent.mkdir(exist_ok=True)
        new = _copy(source, free_name(target, "new"))
        exchange(new, target, free_name(target, "old"))
    except BaseException as error:
        if new is not None:
            remove_tree(new, ignore_errors=True)
        if not had_folder:
            remove_tree(target.parent, ignore_errors=True)
        if not isinstance(error, OSError):
            raise
        raise InstallError(f"the extension can't be copied to {target}: {error}; {CLOSE_IT}") from error
    _clear(target)
    current = version_of(target)
    if previous is None:
        return f"the extension is in {target} ({current})"
    return f"the extension in {target} was replaced ({previous} -> {current})"


def unsaved_work(package: Path) -> str | None:
    """Return what deleting that folder would lose if it is a git clone, None if nothing."""
    if not (package / ".git").exists():
        return None
    for question, answer in (
        (("status", "--porcelain"), "changes that are not committed"),
        (
            ("log", "--branches", "--not", "--remotes", "--oneline", "-1"),
            "commits that are in no other repository",
        ),
    ):
        try:
            git = subprocess.run(  # nosec B603  # see its import
                ("git", "-C", str(package), *question), capture_output=True, text=True, check=True
            )
        except (OSError, subprocess.CalledProcessError):
            return "a git clone whose state git can't determine"
        if git.stdout.strip():
            return answer
    return None


def remove_tree(path: Path, ignore_errors: bool = False) -> None:
    """Delete a folder if it exists, including read-only files; of a link, delete only the link."""
    stay: list[Path] = []

    def unlock(function: Callable[..., Any], name: str, _: object) -> None:
        try:
            if function not in (os.unlink, os.rmdir):  # it failed to list or inspect: retrying could hide the error
                raise OSError(f"{name} can't be removed")
            os.chmod(name, stat.S_IWRITE)
            # No retries for a folder that contains a file known to stay.
            retried(lambda: function(name), () if any(Path(name) in file.parents for file in stay) else PAUSES_S)
        except FileNotFoundError:  # already deleted, it disappears once the other program closes it
            return
        except OSError:
            if not ignore_errors:
                raise
            stay.append(Path(name))

    if is_link(path):
        retried(path.unlink)
    elif path.exists():
        shutil.rmtree(path, onerror=unlock)
    if not ignore_errors and os.path.lexists(path):
        raise OSError(f"{path} can't be removed")


def is_link(path: Path) -> bool:
    """Return whether the path is a symbolic link or a junction, Windows's equivalent."""
    try:
        status = path.lstat()
    except OSError:
        return False
    return path.is_symlink() or getattr(status, "st_reparse_tag", 0) == JUNCTION


def is_empty(folder: Path) -> bool:
    """Return whether a folder is empty, as an uninstall leaves one that is a terminal's working directory."""
    return folder.is_dir() and not is_link(folder) and not any(folder.iterdir())


def _require_replaceable(target: Path, version: str | None) -> None:
    if version is None and not is_empty(target) and not is_half(target):
        raise InstallError(f"{target} exists and is not this extension; move it away")
    if is_link(target) or (target / ".git").exists():
        raise InstallError(f"{target} is a git clone or a link; update it and run its own install.py")


def _copy(source: Path, new: Path) -> Path:
    try:
        for file in _files(source):
            copy = new / file.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
    except BaseException:
        remove_tree(new, ignore_errors=True)
        raise
    return new


def _clear(target: Path) -> None:
    """Delete the leftovers of exchanges, if possible: no program reads them."""
    for folder in leftovers(target):
        remove_tree(folder, ignore_errors=True)


def _files(package: Path) -> Iterator[Path]:
    for entry in sorted(package.iterdir()):
        if entry.is_file() and entry.name.endswith(TOP_LEVEL) and not entry.name.startswith("."):
            yield entry
        elif entry.is_dir() and entry.name not in DEVELOPERS_ONLY and (entry / "__init__.py").is_file():
            yield from _inner_files(entry)


def _inner_files(folder: Path) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        if entry.is_dir():
            if entry.name not in CACHES:
                yield from _inner_files(entry)
        elif entry.suffix != ".pyc":
            yield entry


def _digests(package: Path) -> dict[str, str]:
    return {
        file.relative_to(package).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in _files(package)
    }
