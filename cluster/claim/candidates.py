"""The waiting jobs that a free node may claim next, read from the queue: of each source the oldest ones.

The cost does not grow with the number of waiting jobs: each source's are found by an index, one after the other.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from peewee import Database

from ...db.statements.cluster import raw
from ...tasks.control.pause import PAUSED
from ...tasks.model.workload.workload import ModelNeeds
from ...tasks.queue.scheduler import QueueEntry

PER_SOURCE = 16
"""Waiting jobs of each source that are compared by their models."""

_BEGIN = """
SELECT extract(epoch FROM clock_timestamp())::float8, (SELECT value FROM setting WHERE name = %(paused)s),
    set_config('enable_sort', 'off', true), set_config('enable_incremental_sort', 'off', true),
    set_config('enable_bitmapscan', 'off', true)
"""
"""For this transaction alone: each statement needs the first rows of an index, but the planner knows little of what is in JSON,
and would rather read and sort all."""
_FITS = "status = 'todo' AND args->'files' <@ %(files)s::jsonb AND args->'stop' IS NULL"
_COLUMNS = "queue_name, priority, args"
_PLACE = "(args->>'rank')::bigint, (args->>'moved')::bigint, id"
_FRONT = f"""
SELECT {_COLUMNS} FROM procrastinate_jobs WHERE {_FITS} AND (args->>'rank')::bigint <= 0
ORDER BY {_PLACE} LIMIT 1
"""  # nosec B608  # of constants
_OLDEST = f"""
SELECT {_COLUMNS} FROM procrastinate_jobs WHERE {_FITS} ORDER BY {_PLACE} LIMIT 1
"""  # nosec B608  # of constants
_HEAD = f"""
SELECT (SELECT json_build_array(front.queue_name, front.priority, front.args) FROM ({_FRONT}) AS front), (
    SELECT priority FROM procrastinate_jobs WHERE {_FITS} AND args->>'last' = 'false' ORDER BY priority DESC, id LIMIT 1
), EXISTS (SELECT 1 FROM procrastinate_jobs WHERE status = 'todo' AND args->>'last' = 'true')
"""  # nosec B608  # of constants
_LANES = f"""
WITH RECURSIVE sources(source) AS (
    (SELECT args->>'source' FROM procrastinate_jobs WHERE status = 'todo' ORDER BY args->>'source' LIMIT 1)
    UNION ALL
    SELECT (
        SELECT args->>'source' FROM procrastinate_jobs
        WHERE status = 'todo' AND args->>'source' > sources.source ORDER BY args->>'source' LIMIT 1
    ) FROM sources WHERE sources.source IS NOT NULL
)
SELECT oldest.queue_name, oldest.priority, oldest.args, known.turn, known.overtakes
FROM sources CROSS JOIN LATERAL (
    SELECT {_COLUMNS} FROM procrastinate_jobs
    WHERE {_FITS} AND args->>'source' = sources.source AND priority = %(level)s AND NOT (args->>'last')::boolean
    ORDER BY (args->>'rank')::bigint, id LIMIT {PER_SOURCE}
) AS oldest LEFT JOIN source_turn AS known ON known.source = sources.source WHERE sources.source IS NOT NULL
"""  # nosec B608  # of constants
_LAST = f"""
WITH moved AS (
    SELECT {_COLUMNS} FROM procrastinate_jobs WHERE {_FITS} AND args->>'last' = 'true'
    ORDER BY {_PLACE} LIMIT 1
)
SELECT {_COLUMNS} FROM moved WHERE NOT EXISTS (
    SELECT 1 FROM procrastinate_jobs AS other WHERE other.status = 'todo' AND other.args->'files' <@ %(files)s::jsonb
    AND other.args->>'last' = 'false'
    AND (other.args->>'rank')::bigint <= (moved.args->>'rank')::bigint
)
"""  # nosec B608  # of constants
_KNOWN = """
SELECT (
    SELECT (args->>'rank')::bigint FROM procrastinate_jobs WHERE status = 'todo' AND args->>'source' = %(source)s
    AND priority = %(level)s AND (args->>'rank')::bigint > 0 AND NOT (args->>'last')::boolean
    ORDER BY (args->>'rank')::bigint, id LIMIT 1
), (SELECT overtakes FROM source_turn WHERE source = %(source)s)
"""
_TURN = """
INSERT INTO source_turn (source, turn, overtakes)
VALUES (%(source)s, (SELECT coalesce(max(turn), 0) + 1 FROM source_turn), %(overtakes)s)
ON CONFLICT (source) DO UPDATE SET turn = excluded.turn, overtakes = excluded.overtakes
"""


@dataclass(frozen=True)
class SourceJobs:
    """The waiting jobs of one source, and the picks that have overtaken its oldest one: the rank and the time of each."""

    entries: list[tuple[QueueEntry, int]]
    overtakes: list[tuple[int, float]] = field(default_factory=list)


@dataclass(frozen=True)
class ClaimChoices:
    """The choice of a free node: the one that comes first in any case, or the lanes of the sources, by their names.

    `turns` are the numbers of the sources' last turns, `now` is the server's time in seconds.
    """

    now: float
    first: QueueEntry | None = None
    lanes: dict[str, SourceJobs] = field(default_factory=dict)
    turns: dict[str, int] = field(default_factory=dict)


def read_candidates(database: Database, files: Iterable[str], *, fifo: bool) -> ClaimChoices:
    """Return the candidates of a node that has these model files. In the transaction of the claim."""
    values: dict[str, Any] = {"files": json.dumps(sorted(name for name in files if _is_text(name)))}
    now, paused, *_ = _rows(database, _BEGIN, {"paused": PAUSED})[0]
    if paused == "1":
        return ClaimChoices(now)
    if fifo:
        return ClaimChoices(now, _first(database, _OLDEST, values) or _first(database, _LAST, values))
    front, level, has_last = _rows(database, _HEAD, values)[0]
    if front is not None:
        return ClaimChoices(now, _entry(*front))
    last = _first(database, _LAST, values) if has_last else None
    if last is not None or level is None:
        return ClaimChoices(now, last)
    return _lanes(now, level, _rows(database, _LANES, values | {"level": level}))


def _lanes(now: float, level: int, rows: Iterable[Any]) -> ClaimChoices:
    """Return the candidates of rows with the oldest jobs of each source, and the source's last turn."""
    entries: dict[str, list[tuple[QueueEntry, int]]] = {}
    turns: dict[str, int] = {}
    overtakes: dict[str, list[Any]] = {}
    for task_id, priority, arguments, turn, text in rows:
        entry = _entry(task_id, priority, arguments)
        entries.setdefault(entry.source, []).append((entry, int(arguments["rank"])))
        if turn is not None:
            turns[entry.source], overtakes[entry.source] = turn, json.loads(text or "{}").get(str(level), [])
    lanes = {
        source: SourceJobs(
            found, [(int(rank), float(at)) for rank, at in overtakes.get(source, []) if rank > found[0][1]]
        )
        for source, found in entries.items()
    }
    return ClaimChoices(now, None, lanes, turns)


def write_turn(
    database: Database, source: str, priority: int, pick: tuple[int, float] | None, max_overtakes: int
) -> None:
    """Record a source's turn. In the transaction of the claim, after it.

    Args:
        pick: the rank and the time of a pick that has overtaken the source's oldest waiting job of this priority.
    """
    values: dict[str, Any] = {"source": source, "level": priority}
    ((oldest, text),) = _rows(database, _KNOWN, values)
    overtakes: dict[str, list[tuple[int, float]]] = json.loads(text or "{}")
    picks = [*overtakes.pop(str(priority), []), *([pick] if pick else [])]
    if staying := [one for one in picks if oldest is not None and one[0] > oldest][-max(max_overtakes, 1) :]:
        overtakes[str(priority)] = staying
    raw.change(database, _TURN, {**values, "overtakes": json.dumps(overtakes)})


def _first(database: Database, statement: str, values: dict[str, Any]) -> QueueEntry | None:
    return next((_entry(*row) for row in _rows(database, statement, values)), None)


def _entry(task_id: str, priority: int, arguments: dict[str, Any]) -> QueueEntry:
    needs = ModelNeeds(
        tuple(arguments["models"]), frozenset((name, float(weight)) for name, weight in arguments["lora_weights"])
    )
    rank, last = int(arguments["rank"]), bool(arguments["last"])
    return QueueEntry(
        task_id, arguments["source"], priority, front=rank <= 0, last=last and rank > 0, needs=needs, task_id=task_id
    )


def _is_text(name: str) -> bool:
    """Return whether a name is text. Linux takes any bytes as one, which PostgreSQL's JSON refuses and no request can have."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _rows(database: Database, statement: str, values: dict[str, Any]) -> list[Any]:
    return list(raw.rows(database, statement, values))
