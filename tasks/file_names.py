"""Names of model files: paths below a model folder, which are the same with `/` and with `\\`."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from pathlib import PurePath, PurePosixPath

CASE_MATTERS = os.name != "nt"
"""True where two names that differ in case alone are two files. macOS has both kinds of disks."""


def portable(name: str) -> PurePosixPath:
    """Return a file's name as a path of any system."""
    return PurePosixPath(name.replace("\\", "/"))


def comparable(name: str, *, case_matters: bool = CASE_MATTERS) -> PurePosixPath:
    """Return a file's name as a path that equals another's when both mean the same file."""
    return portable(name if case_matters else name.casefold())


def native(name: str, separator: str = os.sep) -> str:
    """Return a file's name as this system writes it."""
    return name.replace("\\", "/").replace("/", separator)


def listed_as(name: str, names: Collection[str], *, case_matters: bool = CASE_MATTERS) -> str | None:
    """Return the listed name of the same file, None when there is none. A name that is the same to the letter comes first."""
    if name in names:
        return name
    if case_matters and "/" not in name and "\\" not in name:
        return None

    wanted = comparable(name, case_matters=case_matters)
    return next((one for one in names if comparable(one, case_matters=case_matters) == wanted), None)


def is_one_of(name: str, paths: Iterable[PurePath], *, case_matters: bool = CASE_MATTERS) -> bool:
    """Return whether one of these files has that name below some folder."""
    parts = comparable(name, case_matters=case_matters).parts
    known = (comparable(path.as_posix(), case_matters=case_matters).parts for path in paths)
    return bool(parts) and any(file[-len(parts) :] == parts for file in known)
