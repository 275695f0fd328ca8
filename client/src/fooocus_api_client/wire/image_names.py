"""Paths of the files into which images are saved."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Union
from urllib.parse import unquote, urlsplit

UNFIT = re.compile(r'[\\/:*?"<>|\x00-\x1f]')
MAX_LENGTH = 150


def paths_of(urls: Sequence[str], wanted: Union[str, Path]) -> list[Path]:
    """Return a path for each image: in a folder under the server's name, otherwise as wanted; several get numbers."""
    text, path = str(wanted), Path(wanted)
    if path.is_dir() or text.endswith(("/", os.sep)):
        return [path / name_of(url) for url in urls]
    if len(urls) == 1:
        return [path]
    return [path.with_name(f"{path.stem}-{number}{path.suffix}") for number in range(1, len(urls) + 1)]


def name_of(url: str) -> str:
    """Return the name of an image's file: the last part of its URL, without anything that could lead to another folder."""
    name = unquote(urlsplit(url).path).replace("\\", "/").rstrip("/").rpartition("/")[2]
    return part_of_name(name) or "image"


def part_of_name(text: str) -> str:
    """Return a text without what names of files can't have, or could lead to another folder; it may be empty."""
    return UNFIT.sub("_", text).strip(". ")[:MAX_LENGTH]
