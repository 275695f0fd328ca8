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


def native(name: str, separator: str = os.sep) -> str:
    """Return a file's name as this system writes it."""
    return name.replace("\\", "/").replace("/", separator)


def listed_as(name: str, names: Collection[str], *, case_matters: bool = CASE_MATTERS) -> str | None:
    """Return the listed name of the same file, None when there is none. A name that is the same to the letter comes first."""
    if name in names:
        return name
    if case_matters and "/" not in name and "\\" not in name:
        return None

    def comparable(text: str) -> PurePosixPath:
        return portable(text if case_matters else text.casefold())

    wanted = comparable(name)
    return next((candidate for candidate in names if comparable(candidate) == wanted), None)


def is_one_of(name: str, paths: Iterable[PurePath]) -> bool:
    """Return whether one of these files has that name below some folder."""
    parts = portable(name).parts
    return bool(parts) and any(path.parts[-len(parts) :] == parts for path in paths)
