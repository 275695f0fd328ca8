"""One HTTP request to a receiver, and its signature. Called by `webhooks`."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

from .outbound import Outbound
from .trip import Answer, Limits, OutboundError


class NoAnswer(Exception):
    """The receiver can't be reached or stays silent; the message says why."""


def post(outbound: Outbound, url: str, body: bytes, headers: Mapping[str, str], timeout: float) -> Answer:
    """Send `body`. Redirects are not followed.

    Args:
        timeout: seconds to connect, to wait for the answer, and for all of it.

    Raises:
        NoAnswer: there is none.
    """
    limits = Limits(connect_s=timeout, silence_s=timeout, total_s=timeout, size=0, redirects=0)
    try:
        return outbound.request(url, "POST", body=body, headers=headers, limits=limits)
    except OutboundError as error:
        raise NoAnswer(str(error)) from error


def sign(secret: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` of the Standard Webhooks scheme. `timestamp` is in seconds since 1970."""
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    return "v1," + base64.b64encode(hmac.digest(secret, signed, "sha256")).decode()


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float:
    """Seconds that the receiver wants to be left alone, given as a number or as a date; 0 when it says nothing of it."""
    text = next((value for name, value in headers.items() if name.lower() == "retry-after"), "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:10])
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # no date, or one of the year 10¹²
        return 0
    if date.tzinfo is None:
        date = date.replace(tzinfo=timezone.utc)
    return max((date - (now or datetime.now(timezone.utc))).total_seconds(), 0)
