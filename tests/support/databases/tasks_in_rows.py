"""Statuses of rows, and the tally that has to agree with them."""

from __future__ import annotations

from fooocus_api.db.statements.daily_counts import DAY_MS
from fooocus_api.tests.support.databases.databases import Place

ENDED = ("finished", "failed", "stopped", "interrupted")
UNFINISHED = ("pending", "running")


def assert_tally_is_right(place: Place) -> None:
    tally = [counted for counted in place.execute("SELECT status, day, number FROM task_tally") if counted[2]]
    counted = place.execute(f"SELECT status, queued_at / {DAY_MS}, count(*) FROM task GROUP BY 1, 2")
    assert sorted(tally) == sorted(counted)
