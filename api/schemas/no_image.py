"""Texts that mean no image in requests, as FooocusAPI and its clients send them."""

from __future__ import annotations

NO_IMAGE = frozenset({"", "none", "null", "string", "undefined"})
"""In lower case. Forms filled in from a schema send `string`; JavaScript sends `undefined` for a missing value."""
MAX_LENGTH = 32
"""Maximum characters of such a text, including surrounding spaces. An image has thousands."""


def is_no_image(text: str) -> bool:
    """Return whether a text means no image."""
    return len(text) <= MAX_LENGTH and text.strip().lower() in NO_IMAGE
