"""Texts that people copy: parameters themselves, Fooocus's log page, or the text behind its copy button."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from urllib.parse import unquote

_BUTTON = re.compile(r"to_clipboard\((?:'|&#x27;|&#39;)([^'&)]{2,200000})")
_ENCODED = re.compile(r"\s*%7B[^\s{]{0,200000}\s*", re.IGNORECASE)
MAX_COUNTED = 10_000
LOG = "text:log.html"
PLAIN = "text"


@dataclass(frozen=True)
class PastedText:
    """The parameters in a pasted text, the place where they were, and the number of images that the text names."""

    text: str
    place: str = PLAIN
    images: int = 1


def pasted(written: str) -> PastedText:
    """Return the parameters in a text; of a log page those of its first image."""
    first = _BUTTON.search(written)
    if first is not None:
        return PastedText(unquote(html.unescape(first[1])), LOG, min(written.count("to_clipboard('"), MAX_COUNTED) or 1)
    if _ENCODED.fullmatch(written):
        return PastedText(unquote(written.strip()), LOG)
    return PastedText(written)
