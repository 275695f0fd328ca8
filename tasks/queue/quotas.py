"""Quotas of a source and of the queue. A refusal names the limit and the seconds until a retry."""

from __future__ import annotations

import math
from collections.abc import Callable

from ...auth.keys import KeyQuota
from ...auth.rate_limit import LimitReached
from ...db.statements.sources import usage
from ..model.task import Task, TaskStatus, now_ms

DAY_MS = 24 * 3600 * 1000


class QueueFull(LimitReached):
    """The queue holds its maximum of pending tasks, of all sources together."""

    def __init__(self, most: int, retry_after: int) -> None:
        super().__init__("max_pending", most, retry_after, f"the queue is full with {most} pending tasks; retry later")


def charge(task: Task, images: int, within: KeyQuota, seconds_until_room: Callable[[], int]) -> None:
    """Charge a new task with this number of images to its source's quota.

    On the writer's thread, in the transaction that adds the task.

    The charge is not refunded if the task fails or is stopped.

    Raises:
        LimitReached: the task would exceed the quota.
    """
    source, most = task.source, within.pending_tasks
    if most is not None and usage.with_status(source, TaskStatus.PENDING.value) >= most:
        raise LimitReached(
            "pending_tasks", most, seconds_until_room(), f"this key has {most} pending tasks, its maximum; retry later"
        )
    if (most := within.images_per_day) is None:
        return
    day, passed = divmod(now_ms(), DAY_MS)
    asked = usage.images_asked(source, day)
    if asked + images > most:
        rest = f"{asked} are used and {images} more are requested"
        message = f"this key's quota is {most} images a day (UTC): {rest}; it is renewed at 00:00 UTC"
        raise LimitReached("images_per_day", most, math.ceil((DAY_MS - passed) / 1000), message)
    usage.ask_for_images(source, day, images)
