"""Files into which images are saved: their paths and their writing."""

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


def write_whole(file: Path, content: bytes) -> None:
    """Write a file of a folder, which is made if needed. An older one stays until the new one is complete.

    Raises:
        OSError: the file can't be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.part")
    try:
        part.write_bytes(content)
        os.replace(part, file)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
