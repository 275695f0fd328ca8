"""Texts that stand for no image in requests, as FooocusAPI and its clients send them."""

from __future__ import annotations

NO_IMAGE = frozenset({"", "none", "null", "string", "undefined"})
"""In lower case: `string` is what a form filled in from a schema has, `undefined` what JavaScript makes of nothing."""
LONGEST = 32
"""Characters that such a text has at most, with the spaces around it: an image has thousands."""


def is_no_image(text: str) -> bool:
    """Return True for a text that stands for no image."""
    return len(text) <= LONGEST and text.strip().lower() in NO_IMAGE
