"""`Prefer` (RFC 7240): how long a client wants to wait for a result."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

LONGEST = 3600.0
_PARTS = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*"?)+')
"""What stands between commas, those within quotes left out."""
_WAIT = re.compile(r'wait\s*=\s*(?:(\d+)|"(\d+)")', re.ASCII)


@dataclass(frozen=True)
class Preference:
    """Wait so many seconds, then answer 202. `applied` is said back."""

    wait: float
    applied: str


def preference_of(headers: Sequence[str]) -> Preference | None:
    """What the headers of that name say, None when nothing of it is meant for us."""
    seconds: float | None = None
    applied = []
    for part in _PARTS.findall(",".join(headers).lower()):
        name = part.split(";")[0].strip()
        if name == "respond-async":
            applied.append(name)
        elif (found := _WAIT.fullmatch(name)) is not None and seconds is None:
            seconds = min(float(found[1] or found[2]), LONGEST)
            applied.append(f"wait={int(seconds)}")
    return Preference(seconds or 0.0, ", ".join(applied)) if applied else None
