"""An entry of a day's `log.html`, and its form in a file of waiting entries."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass

SPLIT = "<!--fooocus-log-split-->"
"""The host's comment before and after a page's entries."""
ENTRY = '<div id="{}" class="image-container">'
"""Begin of an entry, with the name of its image, in which dots are underscores."""
ID_BEGIN, ID_END = (part.encode() for part in ENTRY.split("{}"))


@dataclass(frozen=True)
class Entry:
    """An entry as the host composed it, with the parts of its page before and after all entries.

    `page` is the path of the page. `begin` ends with the first split comment and the white space after it, `end` contains the
    second one and the white space before it.
    """

    page: str
    begin: str
    text: str
    end: str

    def to_line(self) -> bytes:
        """Return the entry as a line of ASCII."""
        return json.dumps(asdict(self)).encode("ascii") + b"\n"

    @property
    def id(self) -> bytes | None:
        """The entry's id in the page, None if it has another form than usual."""
        return id_of(in_bytes(self.text))


def from_line(line: bytes) -> Entry | None:
    """Return the entry that a line contains, None for an incomplete one."""
    try:
        return Entry(**json.loads(line))
    except (ValueError, TypeError):
        return None


def take_apart(page: str, text: str, marker: str) -> Entry | None:
    """Return the new entry of a page in which a marker stands for the earlier entries; None if its form is unknown."""
    before, found, end = text.partition(marker)
    head, split, rest = before.partition(SPLIT)
    entry = rest.lstrip()
    if not (found and split and entry) or SPLIT not in end or marker in end:
        return None
    return Entry(page, head + split + rest[: len(rest) - len(entry)], entry, end)


def id_of(entry: bytes) -> bytes | None:
    """Return the id of an entry in the bytes of a page, None without one."""
    end = entry.find(ID_END, len(ID_BEGIN), 1000)
    return entry[len(ID_BEGIN) : end] if entry.startswith(ID_BEGIN) and end >= 0 else None


def id_of_image(name: str) -> bytes:
    """Return the id of the entry of an image with this name."""
    return in_bytes(name.replace(".", "_"))


def in_bytes(text: str) -> bytes:
    """Return a part of a page as the host writes it: in UTF-8, with the line ends of this system."""
    return text.replace("\n", os.linesep).encode("utf-8", "replace")
