"""Arrays and wildcards in prompts. Fooocus takes quadratic time for many, and no other thread runs while it does."""

from __future__ import annotations

import re

MAX_PARTS = 100
"""Arrays, and wildcards, of one prompt."""
WILDCARD = re.compile(r"__([\w-]+)__")
ARRAY, ARRAY_END = "[[", "]]"


def number_of_arrays(text: str) -> int:
    """Return the number of beginnings of arrays, closed or not: those without an end are what takes long."""
    return text.count(ARRAY)


def number_of_wildcards(text: str) -> int:
    """Return the number of wildcards."""
    return sum(1 for _ in WILDCARD.finditer(text)) if "__" in text else 0


def has_array(text: str) -> bool:
    """Return whether a prompt has an array with its end."""
    begin = text.find(ARRAY)
    return begin >= 0 and text.find(ARRAY_END, begin + len(ARRAY)) >= 0


def has_many_parts(text: str) -> bool:
    """Return whether a prompt has more arrays or wildcards than Fooocus should get."""
    return number_of_arrays(text) > MAX_PARTS or number_of_wildcards(text) > MAX_PARTS
