"""The files of an installed extension, for tests of upgrades and uninstalls."""

from __future__ import annotations

from pathlib import Path

from fooocus_api.installer.checkout import Checkout

Content = dict[str, bytes]


def content(folder: Path) -> Content:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def beside(checkout: Checkout) -> list[str]:
    return sorted(path.name for path in checkout.extensions.iterdir())
