"""Sizes in Fooocus's names of aspect ratios."""

from __future__ import annotations

import re
from functools import lru_cache

MAX_LENGTH = 1_000
"""Characters of a name that are read; the text of a task from elsewhere may have any length."""
_PAIR = re.compile(r"(?<!\d)(\d{1,9})\s*[×*xX]\s*(\d{1,9})(?!\d)")
_NUMBER = re.compile(r"\d{1,9}")


@lru_cache(200)
def _sides_of(name: str) -> tuple[int, int] | None:
    sides = _PAIR.search(name)
    found = sides.groups() if sides else _NUMBER.findall(name)
    return (int(found[0]), int(found[1])) if len(found) > 1 else None


def sides_of(name: str) -> tuple[int, int] | None:
    """Return width and height in pixels of an aspect ratio as a list, a control or a label has it; None without both.

    The WebUI puts markup around the size (`1152×896 <span …`), in some forks with numbers before it, and a preset may
    have `1152 896`.
    """
    return _sides_of(name[:MAX_LENGTH])


def size_on_wire(text: str) -> str | None:
    """Return an aspect ratio of the WebUI, which shows it as `1152×896` with markup, as the API writes it; None if it is none."""
    sides = sides_of(text)
    return "*".join(map(str, sides)) if sides else None
