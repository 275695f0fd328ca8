"""Removes the extension from a checkout; history and images only with `--purge`."""

from __future__ import annotations

import os
from pathlib import Path

from ..files.replacing import retried
from .checkout import Checkout, require_writable
from .errors import InstallError
from .placement import hook_registration
from .placement.extension_files import CLOSE_IT, is_empty, is_link, remove_tree, unsaved_work, version_of
from .placement.staging import free_name, is_half, leftovers, put, set_aside
from .purge import history_of, purge_history, require_unused


def uninstall(checkout: Checkout, purge: bool) -> int:
    """Remove the hook and the extension, and with `purge` the history and the API's images.

    Returns:
        0, also if there was nothing to remove.

    Raises:
        InstallError: unsaved work would be lost, or a file can't be written; extension and hook are unchanged.
    """
    print(f"Fooocus {checkout.version} in {checkout.path}")
    extension = checkout.extension
    is_there = os.path.lexists(extension) or any(leftovers(extension))
    if is_there:
        _require_removable(extension)
        require_writable(checkout.extensions)
    # Read before anything is removed: an unreadable config.txt must not abort the removal half-way.
    outputs = checkout.outputs if purge else None
    if outputs is not None:
        require_unused(history_of(outputs))

    is_hooked, missing = hook_registration.has_to_change(checkout.path), hook_registration.missing(checkout.path)
    if is_hooked:
        hook_registration.require_writable_site_packages()
    os.chdir(checkout.path)  # Windows does not delete a process's working directory, and install.py may be in it
    aside = _set_aside(extension)
    others: list[Path] = []
    purged = None
    try:
        with hook_registration.kept_on_failure():
            if is_hooked:
                others = hook_registration.unregister(checkout.path)
            # Before the extension is deleted, and after every step that may fail and can be rolled back.
            if outputs is not None:
                purged = purge_history(outputs)
    except BaseException:
        if aside is not None:
            put(aside, extension)
        raise
    if is_hooked:
        kept = (
            f"kept for {', '.join(map(str, others))}" if others else f"removed from {hook_registration.SITE_PACKAGES}"
        )
        print(f"the start-up hook is {kept}")
        for path in missing:
            print(f"note: {path} used the hook and is not there any more; if you moved it, install again there")
    if is_there:
        _delete_what_is_left(checkout)
        print(f"the extension is removed from {extension}")
    if not is_hooked and not is_there:
        print("there is nothing to uninstall")
    if purged is not None:
        images, history = purged
        print(f"purged: {images} images, {'the history' if history else 'there was no history'} in {outputs}")
    elif is_there:
        print("history and images stay in the outputs folder (--purge deletes them)")
    if is_there:
        print("the packages stay as they are: the WebUI needs its starlette and huggingface_hub below 1.0 too")
    return 0


def _require_removable(extension: Path) -> None:
    if not os.path.lexists(extension) or is_link(extension) or is_empty(extension) or is_half(extension):
        return
    if version_of(extension) is None:
        raise InstallError(f"{extension} is not this extension; it is kept")
    lost = unsaved_work(extension)
    if lost:
        raise InstallError(f"{extension} has {lost}; commit and push, or move the folder away")


def _set_aside(extension: Path) -> Path | None:
    """Move the extension away at once: deleting it file by file could stop half-way."""
    if not os.path.lexists(extension):
        return None
    aside = free_name(extension, "old")
    try:
        set_aside(extension, aside)
    except OSError as error:
        raise InstallError(f"{extension} can't be removed: {error}; {CLOSE_IT}") from error
    return aside


def _delete_what_is_left(checkout: Checkout) -> None:
    extension = checkout.extension
    for folder in leftovers(extension):
        remove_tree(folder, ignore_errors=True)
        if os.path.lexists(folder):
            print(f"note: {folder} stays: a program has one of its files open; delete it later")
    for folder in (extension, checkout.extensions):
        if is_empty(folder):
            try:
                retried(folder.rmdir)
            except OSError:
                print(f"note: the empty folder {folder} stays: a terminal or another program has it open")
