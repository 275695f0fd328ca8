"""Times in requests: ISO 8601, with a zone or in this machine's own, or milliseconds since 1970, as records have them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, time, timezone

from .errors import FieldError, InvalidFields

FORMS: list[dict[str, object]] = [
    {"format": "date"},
    {"format": "date-time"},
    {"pattern": r"^\d{11,14}$"},
    {"maxLength": 0},
]
"""Of a text that `milliseconds` takes, in the words of JSON Schema, which has none for a time without a zone."""
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MILLISECONDS = re.compile(r"\d{11,14}", re.ASCII)
"""From April 1970 to the year 5138; fewer digits may be seconds, or a date without hyphens."""
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_UNESCAPED_PLUS = re.compile(r" (?=\d\d:?\d\d$)")
"""`+02:00` in a query string that nobody has escaped arrives with a space."""


def milliseconds(field: str, text: str | None, *, end: bool = False) -> int | None:
    """Return milliseconds since 1970, None for no text. A date alone is its first moment, with `end` its last.

    Raises:
        InvalidFields: it is no time; names `field`.
    """
    text = (text or "").strip()
    if not text:
        return None
    if _MILLISECONDS.fullmatch(text):
        return int(text)
    written = _UNESCAPED_PLUS.sub("+", text) if "T" in text.upper() else text
    if written[-1] in "Zz":
        written = f"{written[:-1]}+00:00"
    try:
        moment = datetime.fromisoformat(_with_microseconds(written))
        if end and _DATE.fullmatch(written):
            moment = datetime.combine(moment, time.max)
        return int(seconds_of(moment) * 1000)
    except (ValueError, OverflowError):
        message = (
            f"{text[:60]!r} is not a time; write it like 2026-01-31, 2026-01-31T18:00:00, 2026-01-31T18:00:00+01:00 "
            "or in milliseconds since 1970, like 1769878800000"
        )
        raise InvalidFields([FieldError(field=field, message=message)]) from None


def seconds_of(moment: datetime, timestamp: Callable[[datetime], float] = datetime.timestamp) -> float:
    """Return seconds since 1970. Windows's C library knows no local time before that year and none after 3000.

    For those the machine's offset of today counts: an hour more or less at a bound of history that far off selects the same.

    Raises:
        OverflowError: the moment is none of the calendar's in UTC.
    """
    try:
        return timestamp(moment)
    except OSError:
        return (moment.replace(tzinfo=datetime.now().astimezone().tzinfo) - EPOCH).total_seconds()


def _with_microseconds(text: str) -> str:
    """Python 3.10 takes three or six digits of a second, and no more."""
    return re.sub(r"\.(\d+)", lambda digits: f".{digits[1][:6]:0<6}", text)
