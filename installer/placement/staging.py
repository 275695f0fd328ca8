"""Exchanges a whole folder, even if it is a terminal's working directory: Windows then renames its entries, not the folder.

`extension.py` is removed first and added last: the startup hook looks for it, so after a power failure during an exchange
the extension does not start, and Fooocus runs without the API until the next install.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from ...files.replacing import delete, is_held, move, retried

WOKEN = "extension.py"
NAMES = ".names"
"""File in the folder set aside, listing the names of the entries that an interrupted exchange may leave in the target."""


def exchange(new: Path, target: Path, old: Path) -> None:
    """Move `new` to `target`, whose content moves to `old`.

    Raises:
        OSError: it failed; `target` has its content again.
    """
    set_aside(target, old, [entry.name for entry in new.iterdir()])
    try:
        put(new, target)
    except OSError:
        if old.exists():
            put(old, target)
        raise


def set_aside(target: Path, old: Path, coming: Iterable[str] = ()) -> None:
    """Move a folder, or all its entries, to a free name. `coming` are the names that will be moved there next.

    Does nothing if the folder does not exist.

    Raises:
        OSError: it failed; `target` still has its content.
    """
    if not os.path.lexists(target):
        return
    try:
        move(target, old)
    except PermissionError as error:
        if not is_held(error):
            raise
        names = {*coming, *(entry.name for entry in target.iterdir())}
        old.mkdir()
        (old / NAMES).write_text(json.dumps(sorted(names)), encoding="utf-8")
        try:
            _move_content(target, old)
        except OSError:
            delete(old / NAMES)
            retried(old.rmdir)
            raise


def put(new: Path, target: Path) -> None:
    """Move a folder to `target`, which is free or an empty folder.

    Raises:
        OSError: it failed; `new` still has its content.
    """
    if target.exists():
        _move_content(new, target)
        delete(new / NAMES)
        retried(new.rmdir)
    else:
        move(new, target)


def is_half(target: Path) -> bool:
    """Return whether a power failure or a kill has interrupted an exchange here: parts of the extension, no entry point."""
    for folder in leftovers(target):
        try:
            names = json.loads((folder / NAMES).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if not (target / WOKEN).exists() and all(entry.name in names for entry in target.iterdir()):
            return True
    return False


def leftovers(target: Path) -> Iterator[Path]:
    """Yield the folders next to `target` that an interrupted exchange has left."""
    if target.parent.is_dir():
        yield from sorted(target.parent.glob(f".{target.name}.*"))


def free_name(target: Path, ending: str) -> Path:
    """Return a free name next to `target`: a leftover that could not be deleted may occupy the first one."""
    names = (target.with_name(f".{target.name}.{ending}{number or ''}") for number in range(1000))
    return next(name for name in names if not os.path.lexists(name))


def _move_content(source: Path, target: Path) -> None:
    moved: list[str] = []
    arrives = source.name.startswith(".")
    try:
        entries = [entry for entry in source.iterdir() if entry.name != NAMES]
        for entry in sorted(entries, key=lambda entry: ((entry.name == WOKEN) == arrives, entry.name)):
            move(entry, target / entry.name)
            moved.append(entry.name)
    except OSError:
        for name in reversed(moved):
            move(target / name, source / name)
        raise
