"""Signs and sends one HTTP request to a webhook receiver."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

from ...outbound.client import OutboundClient
from ...outbound.pinned_connection import OutboundError, OutboundResponse, RequestLimits


class NoAnswer(Exception):
    """The receiver is unreachable or did not answer in time; the message says why."""


def post(
    outbound: OutboundClient, url: str, body: bytes, headers: Mapping[str, str], timeout: float
) -> OutboundResponse:
    """Send `body` by POST. Redirects are not followed.

    Args:
        timeout: limit in seconds for the connection, for silence, and for the whole request.

    Raises:
        NoAnswer: the receiver did not answer.
    """
    limits = RequestLimits(connect_s=timeout, silence_s=timeout, total_s=timeout, size=0, redirects=0)
    try:
        return outbound.request(url, "POST", body=body, headers=headers, limits=limits)
    except OutboundError as error:
        raise NoAnswer(str(error)) from error


def sign(secret: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the `webhook-signature` header of the Standard Webhooks scheme. `timestamp` is in seconds since 1970."""
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    return "v1," + base64.b64encode(hmac.digest(secret, signed, "sha256")).decode()


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float:
    """Return the seconds of a `Retry-After` header, which is a number or a date; 0 without a valid one."""
    text = next((value for name, value in headers.items() if name.lower() == "retry-after"), "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:10])
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # not a date, or one in the year 10¹²
        return 0
    if date.tzinfo is None:
        date = date.replace(tzinfo=timezone.utc)
    return max((date - (now or datetime.now(timezone.utc))).total_seconds(), 0)
