"""Taking the extension out of a checkout; history and images only if purged. Called by cli.py."""

from __future__ import annotations

import os
from pathlib import Path

from . import hook
from .checkout import Checkout, require_writable
from .errors import InstallError
from .package import is_link, remove_tree, unsaved_work, version_of
from .purge import history_of, purge_history, require_unused


def uninstall(checkout: Checkout, purge: bool) -> int:
    """Remove hook and extension, and with `purge` the history and the API's images.

    Returns:
        0, also when there was nothing to remove.

    Raises:
        InstallError: something would be lost, or can't be written.
    """
    print(f"Fooocus {checkout.version} in {checkout.path}")
    extension = checkout.extension
    is_there = os.path.lexists(extension)
    if is_there:
        _require_removable(extension)
        require_writable(checkout.extensions)
    # Read before anything goes: a config.txt that can't be read must not end it half-way.
    outputs = checkout.outputs if purge else None
    if outputs is not None:
        require_unused(history_of(outputs))

    was_registered = checkout.path in hook.registered()
    if was_registered:
        hook.require_writable_site_packages()
        others = hook.unregister(checkout.path)
        kept = f"kept for {', '.join(map(str, others))}" if others else f"removed from {hook.SITE_PACKAGES}"
        print(f"the start-up hook is {kept}")
    if is_there:
        _remove(checkout)
        print(f"the extension is removed from {extension}")
    if not was_registered and not is_there:
        print("there is nothing to uninstall")
    if outputs is not None:
        images, history = purge_history(outputs)
        print(f"purged: {images} images, {'the history' if history else 'there was no history'} in {outputs}")
    elif is_there:
        print("history and images stay in the outputs folder (--purge deletes them)")
    if is_there:
        print("the packages stay as they are: the WebUI needs its starlette and huggingface_hub below 1.0 too")
    return 0


def _require_removable(extension: Path) -> None:
    if is_link(extension) or _is_empty(extension):
        return
    if version_of(extension) is None:
        raise InstallError(f"{extension} is not this extension: it stays")
    lost = unsaved_work(extension)
    if lost:
        raise InstallError(f"{extension} has {lost}: commit and push it or move it away first")


def _remove(checkout: Checkout) -> None:
    os.chdir(checkout.path)  # Windows does not delete the folder somebody is in, and install.py may lie in it
    try:
        remove_tree(checkout.extension)
        if not any(checkout.extensions.iterdir()):
            checkout.extensions.rmdir()
    except OSError as error:
        if _is_empty(checkout.extension):
            print(f"the empty folder {checkout.extension} stays: a terminal stands in it, or a program has it open")
            return
        raise InstallError(f"{checkout.extension} can't be removed: {error}. Is Fooocus still running?") from error


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())
