"""Names of model files: paths relative to a model folder, equal with `/` and with `\\`."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from pathlib import PurePath, PurePosixPath

CASE_MATTERS = os.name != "nt"
"""True if names that differ only in case are two files. On macOS that depends on the disk."""


def portable(name: str) -> PurePosixPath:
    """Return a file's name as a POSIX path."""
    return PurePosixPath(name.replace("\\", "/"))


def comparable(name: str, *, case_matters: bool = CASE_MATTERS) -> PurePosixPath:
    """Return a file's name as a path that is equal for all spellings of the same file."""
    return portable(name if case_matters else name.casefold())


def native(name: str, separator: str = os.sep) -> str:
    """Return a file's name with this system's separator."""
    return name.replace("\\", "/").replace("/", separator)


def listed_as(name: str, names: Collection[str], *, case_matters: bool = CASE_MATTERS) -> str | None:
    """Return the listed name of the same file, None without one. An identical name comes first."""
    if name in names:
        return name
    if case_matters and "/" not in name and "\\" not in name:
        return None

    wanted = comparable(name, case_matters=case_matters)
    return next((one for one in names if comparable(one, case_matters=case_matters) == wanted), None)


def is_one_of(name: str, paths: Iterable[PurePath], *, case_matters: bool = CASE_MATTERS) -> bool:
    """Return whether the name is one of these paths or their last parts."""
    parts = comparable(name, case_matters=case_matters).parts
    known = (comparable(path.as_posix(), case_matters=case_matters).parts for path in paths)
    return bool(parts) and any(file[-len(parts) :] == parts for file in known)
