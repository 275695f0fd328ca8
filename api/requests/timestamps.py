"""Parses times in requests: ISO 8601, in this machine's time zone if none is given, or milliseconds since 1970."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, time, timezone

from ...asgi.error_codes import FieldErrorCode
from ..responses.problems import invalid_field

TIMESTAMP_SCHEMAS: list[dict[str, object]] = [
    {"format": "date"},
    {"format": "date-time"},
    {"pattern": r"^\d{11,14}$"},
    {"maxLength": 0},
]
"""JSON Schemas of the texts that `parse_timestamp` accepts, except times without a zone, for which it lacks a format."""
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MILLISECONDS = re.compile(r"\d{11,14}", re.ASCII)
"""April 1970 to the year 5138. Fewer digits could be seconds, or a date without hyphens."""
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_UNESCAPED_PLUS = re.compile(r" (?=\d\d:?\d\d$)")
"""An unescaped `+02:00` in a query string arrives with a space."""


def parse_timestamp(field: str, text: str | None, *, end: bool = False) -> int | None:
    """Parse a time into milliseconds since 1970, None for an empty text. A bare date is its first moment, with `end` its last.

    Raises:
        InvalidFields: the text is not a time; names `field`.
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
            moment = datetime.combine(moment, time.max).replace(fold=1)  # the last, where a clock goes back at midnight
        return int(seconds_of(moment) * 1000)
    except (ValueError, OverflowError):
        message = (
            f"{text[:60]!r} is not a time; write it as 2026-01-31, 2026-01-31T18:00:00, 2026-01-31T18:00:00+01:00 "
            "or in milliseconds since 1970, as in 1769878800000"
        )
        raise invalid_field(field, FieldErrorCode.INVALID_FORMAT, message) from None


def seconds_of(moment: datetime, timestamp: Callable[[datetime], float] = datetime.timestamp) -> float:
    """Return seconds since 1970. Windows's C library has no local time before 1970 or after 3000.

    For those years today's UTC offset applies: an hour's error at such a distant bound of the history makes no difference.

    Raises:
        OverflowError: the moment in UTC is outside the calendar.
    """
    try:
        return timestamp(moment)
    except OSError:
        return (moment.replace(tzinfo=datetime.now().astimezone().tzinfo) - EPOCH).total_seconds()


def _with_microseconds(text: str) -> str:
    """Return the text with six fractional digits, as Python 3.10 parses only three or six."""
    return re.sub(r"\.(\d+)", lambda digits: f".{digits[1][:6]:0<6}", text)
