"""Parses `Prefer` (RFC 7240): the time a client waits for a result."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

MAX_WAIT_S = 3600.0
_PARTS = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*"?)+')
"""A part between commas; commas within quotes do not separate."""
_WAIT = re.compile(r'wait\s*=\s*(?:(\d+)|"(\d+)")', re.ASCII)


@dataclass(frozen=True)
class Preference:
    """Seconds to wait before a 202 response, and the value of the `Preference-Applied` header."""

    wait: float
    applied: str


def preference_of(headers: Sequence[str]) -> Preference | None:
    """Parse the `Prefer` headers. Return None if they contain no supported preference."""
    seconds: float | None = None
    applied = []
    for part in _PARTS.findall(",".join(headers).lower()):
        name = part.split(";")[0].strip()
        if name == "respond-async":
            applied.append(name)
        elif (found := _WAIT.fullmatch(name)) is not None and seconds is None:
            seconds = min(float(found[1] or found[2]), MAX_WAIT_S)
            applied.append(f"wait={int(seconds)}")
    return Preference(seconds or 0.0, ", ".join(applied)) if applied else None
