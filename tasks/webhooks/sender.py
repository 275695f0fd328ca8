"""One attempt to deliver a message: its request, its signature, and its outcome in words."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping

from ...db.statements.outbox import Attempt, Message
from ...outbound.client import OutboundClient
from ...outbound.pinned_connection import OutboundResponse
from ..model.task import now_ms
from .signing import NoAnswer, post, retry_after, sign

log = logging.getLogger("fooocus_api.webhooks")


class Sender:
    """Sends messages to their own receivers, or to `url` without one. `timeout_s` is the limit of one attempt in seconds."""

    def __init__(self, outbound: OutboundClient, url: str | None, secret: bytes | None, timeout_s: float) -> None:
        self._outbound = outbound
        self._url = url
        self._secret = secret
        self._timeout_s = timeout_s

    def attempt(self, message: Message, render: Callable[[], bytes], **names: str) -> tuple[Attempt, float]:
        """Make one attempt, and return it with the seconds of the receiver's `Retry-After`, 0 without one.

        Args:
            render: returns the body.
            names: the task or batch, for the log.
        """
        began, clock = now_ms(), time.monotonic()
        answer: OutboundResponse | None = None
        error = None
        try:
            answer = self._post(message, render)
        except NoAnswer as reason:
            error = str(reason)
        except Exception as reason:
            log.exception("webhook attempt failed", extra=names)
            error = f"the request failed: {reason}"
        if answer is not None and 300 <= answer.status < 400:
            error = "redirects are not followed"
        attempt = Attempt(began, round((time.monotonic() - clock) * 1000), answer.status if answer else None, error)
        return attempt, retry_after(answer.headers) if answer else 0

    def _post(self, message: Message, render: Callable[[], bytes]) -> OutboundResponse:
        url = message.url or self._url
        if not url:
            raise NoAnswer("the task has no webhook; start Fooocus with --webhook-url")
        body = render()
        return post(self._outbound, url, body, self._headers(message, body), self._timeout_s)

    def _headers(self, message: Message, body: bytes) -> Mapping[str, str]:
        """Return the headers of one attempt. Its id is the same for all attempts, so that a receiver can detect duplicates."""
        timestamp = now_ms() // 1000
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "fooocus-api",
            "webhook-id": f"msg_{message.task_id}",
            "webhook-timestamp": str(timestamp),
        }
        if self._secret is not None:
            headers["webhook-signature"] = sign(self._secret, headers["webhook-id"], timestamp, body)
        return headers
