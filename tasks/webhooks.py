"""Tells receivers of the end of tasks: what is told, when it is tried again, and what came of it.

A message is due in the same transaction that ends its task, so a crash loses none; it may be delivered twice.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..db import outbox
from ..db.outbox import Attempt, Message
from ..db.repository import Repository
from . import storage
from .addresses import without_userinfo
from .lanes import Lanes
from .limits import RequestRate
from .outbound import Outbound
from .posting import NoAnswer, post, retry_after, sign
from .task import Task, now_ms
from .trip import Answer

log = logging.getLogger("fooocus_api.webhooks")

Render = Callable[[Task, str], bytes]
"""A task's record as JSON, its URLs beginning with that address; it is empty where no client has told it."""

GROWTH = 3
JITTER = 0.25
LONGEST_PAUSE = 4 * 3600
DAY_MS = 24 * 3600 * 1000
"""How long a message is tried to be delivered."""
MOST_RESENDS_PER_MINUTE = 10
"""Of one task."""
AGAIN_MS = 5_000
"""Until the next try when the message itself can't be had."""
GONE = 410


@dataclass(frozen=True)
class WebhookSettings:
    """`url` is told of every task that names no other, `secret` signs. Seconds: `retry_s` is the first pause between two
    tries, `timeout_s` what an answer may take."""

    url: str | None = None
    secret: bytes | None = None
    retry_s: float = 5
    timeout_s: float = 15


@dataclass(frozen=True)
class WebhookState:
    """Whom a task's end is told, how far that is, when the next try is due (-1 for never), and all tries so far."""

    url: str = ""
    state: str = "none"
    due_at: int = -1
    attempts: tuple[Attempt, ...] = ()


class Webhooks:
    """The outbox and its delivery."""

    def __init__(self, repository: Repository, settings: WebhookSettings, outbound: Outbound) -> None:
        self._repository = repository
        self._settings = settings
        self._outbound = outbound
        self._render: Render
        self._lanes = Lanes(self._deliver)
        self._resends = RequestRate(limit="resends_per_minute", words="a webhook is sent again {most} times a minute")
        self._started = self._closed = False

    def start(self, render: Render) -> None:
        """Begin to deliver; first what an earlier process has left. A second call does nothing."""
        if self._started:
            return
        self._started = True
        self._render = render
        self._lanes.start(self._repository.reading(self._repository.outbox.due))

    def close(self) -> None:
        """Begin no delivery any more, and wait for none: what has not been noted is delivered again at the next start."""
        self._closed = True
        self._lanes.close()

    # ------------------------------------------------------- with the task's own changes

    def accept(self, task: Task, base_url: str) -> None:
        """Note with a task's row whom to tell, and by which address its client knows us. On the writer's thread."""
        if task.webhook_url or self._settings.url:
            self._repository.outbox.add(task.task_id, task.webhook_url, receiver_of(task.webhook_url), base_url)

    def ended(self, task: Task) -> str | None:
        """Make a task's message due, with the change that ends it. On the writer's thread; what it gives is for `wake`."""
        receiver = self._repository.outbox.post(task.task_id, now_ms())
        if receiver is None and self._settings.url:  # a click in the WebUI, or older than the flag
            self.accept(task, "")
            receiver = self._repository.outbox.post(task.task_id, now_ms())
        return receiver

    def wake(self, receiver: str) -> None:
        """Deliver what has come due for a receiver, once it is on the disk."""
        self._lanes.wake(receiver, now_ms())

    # ------------------------------------------------------------- for people

    async def state(self, task: Task) -> WebhookState:
        """How far the telling of a task's end is."""
        found = await asyncio.wrap_future(self._repository.read(lambda: self._repository.outbox.of(task.task_id)))
        if found is None:
            return WebhookState()
        message, attempts = found
        return WebhookState(
            without_userinfo(message.url) or _place_of(self._settings.url),
            message.state,
            message.due_at,
            tuple(attempts),
        )

    async def resend(self, task: Task) -> bool:
        """Send the record of an ended task again, at once and then for a day. False when it has no receiver.

        Raises:
            LimitReached: it was sent again too often within the last minute.
        """
        self._resends.take(task.task_id, MOST_RESENDS_PER_MINUTE)
        receiver = await asyncio.wrap_future(self._repository.write(lambda: self.ended(task)))
        if receiver is not None:
            self._lanes.wake(receiver, now_ms(), at_once=True)
        return receiver is not None

    # --------------------------------------------------------------- delivery

    def _deliver(self, receiver: str) -> None:
        """The first message that is due for a receiver, on a thread of the lanes."""
        try:
            message = self._repository.reading(lambda: self._repository.outbox.next_for(receiver))
            if message is None or message.due_at > now_ms():
                return self._lanes.done(receiver, message.due_at if message else None)
            row = self._repository.reading(lambda: self._repository.get(message.task_id))
            if row is None:  # deleted this moment
                return self._lanes.done(receiver, now_ms())
            attempt, wanted = self._attempt(message, storage.from_row(row))
        except Exception:
            if not self._closed:
                log.exception("a webhook could not be read from the history")
            return self._lanes.done(receiver, now_ms() + AGAIN_MS)
        state, due_at = next_step(message, attempt, wanted, self._settings.retry_s)
        what = {"state": state, "attempt": message.tries + 1, "status": attempt.status, "reason": attempt.error}
        log.info("webhook tried", extra={"task_id": message.task_id, **what})

        def note() -> int | None:
            self._repository.outbox.note(message, attempt, state, due_at)
            return self._repository.outbox.due_for(receiver)

        def noted(done: Future[int | None]) -> None:
            then = now_ms() + AGAIN_MS if done.exception() else done.result()
            self._lanes.done(receiver, then, not_before=due_at if wanted and state == outbox.PENDING else None)

        # It must be noted before anything else goes to this receiver, or a full disk would make a storm of it.
        self._repository.write(note, must=True).add_done_callback(noted)
        return None

    def _attempt(self, message: Message, task: Task) -> tuple[Attempt, float]:
        """One try, and for how many seconds the receiver wants to be left alone."""
        began, clock = now_ms(), time.monotonic()
        answer: Answer | None = None
        error = None
        try:
            answer = self._post(message, task)
        except NoAnswer as reason:
            error = str(reason)
        except Exception as reason:
            log.exception("webhook not sent", extra={"task_id": task.task_id})
            error = f"it could not be sent: {reason}"
        if answer is not None and 300 <= answer.status < 400:
            error = "redirects are not followed"
        attempt = Attempt(began, round((time.monotonic() - clock) * 1000), answer.status if answer else None, error)
        return attempt, retry_after(answer.headers) if answer else 0

    def _post(self, message: Message, task: Task) -> Answer:
        url = message.url or self._settings.url
        if not url:
            raise NoAnswer("Fooocus was started without --webhook-url")
        body = self._render(task, message.base_url)
        return post(self._outbound, url, body, self._headers(message, body), self._settings.timeout_s)

    def _headers(self, message: Message, body: bytes) -> Mapping[str, str]:
        """The same id at every try, so that a receiver can tell that it knows the message."""
        timestamp = now_ms() // 1000
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "fooocus-api",
            "webhook-id": f"msg_{message.task_id}",
            "webhook-timestamp": str(timestamp),
        }
        if self._settings.secret is not None:
            headers["webhook-signature"] = sign(self._settings.secret, headers["webhook-id"], timestamp, body)
        return headers


def next_step(message: Message, attempt: Attempt, wanted_s: float, retry_s: float) -> tuple[str, int]:
    """The message's state after a try, and when the next one is due, -1 for never.

    Args:
        wanted_s: for how many seconds the receiver wants to be left alone.
        retry_s: the first pause; each is longer than the one before, up to hours.
    """
    if attempt.status is not None and 200 <= attempt.status < 300:
        return outbox.DELIVERED, -1
    jitter = random.uniform(1 - JITTER, 1 + JITTER)  # nosec B311  # spreads tries, keeps no secret
    pause = min(retry_s * GROWTH ** min(message.tries, 20), LONGEST_PAUSE) * jitter
    due_at = attempt.at + attempt.duration_ms + round(max(pause, wanted_s) * 1000)
    if attempt.status == GONE or due_at > message.since + DAY_MS:
        return outbox.FAILED, -1
    return outbox.PENDING, due_at


def receiver_of(url: str) -> str:
    """What deliveries to one place share: host and port. Empty for the address of the launch flag."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()[:300]


def _place_of(url: str | None) -> str:
    """The launch flag's address without what may be secret in it: it is the owner's, and clients see this."""
    return f"{urlsplit(url).scheme}://{receiver_of(url)}/…" if url else ""
