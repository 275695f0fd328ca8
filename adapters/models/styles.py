"""Reads a style's templates and finds Fooocus's sample picture of it."""

from __future__ import annotations

from pathlib import Path

from ...files.paths import is_file_name
from ...files.served_files import regular_file
from ...tasks.ports.catalog import Style
from ..host_modules import host_module


def style_named(name: str) -> Style | None:
    """Return the style of exactly this name, None if the host has none."""
    host = host_module("modules.sdxl_styles")
    if name not in host.legal_style_names:
        return None
    prompt, negative = host.styles.get(name, (None, None))
    return Style(name, prompt, negative, _sample(name, Path(host.styles_path)))


def _sample(name: str, styles: Path) -> Path | None:
    """Return the picture that the WebUI shows for a style, by the WebUI's rule for its file name."""
    file_name = f"{name.lower().replace(' ', '_')}.jpg"
    if not is_file_name(file_name):
        return None
    folder = styles / "samples"
    return regular_file(folder / file_name, [folder])
