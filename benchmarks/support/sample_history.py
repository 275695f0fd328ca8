"""Fills a history with any number of rows, for the benchmarks that need a long one.

They are copies of a task that a host has generated, each with its own prompt, seed, model, time and status.
"""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from peewee import Model, SqliteDatabase

from ...db.statements import daily_counts
from ...db.tables import TABLES, ImageRow, ParametersRow, TaskRow

YEARS_MS = 3 * 365 * 24 * 3600 * 1000
CHUNK = 5_000
MODELS = ["demo_daylight.safetensors", *(f"style_{number}_xl.safetensors" for number in range(20))]
SOURCES = ("api", "webui", "key-1f3a77c0")
STATUSES = ("finished", "failed", "stopped", "interrupted")
VOCABULARY = (
    "cat dog lake forest sunset portrait castle river mountain city night rain snow light warm cold golden old new tall "
    "painting photo watercolour detailed cinematic wide angle soft sharp clouds mist bridge tower street garden flowers"
)
WORDS = VOCABULARY.split()
RARE = "zeppelin"
RARE_EVERY = 50_000
MARKED = "@@prompt@@"
SAMPLE = {
    "prompt": f"{MARKED} 0",
    "negative_prompt": ", ".join(f"not {word}" for word in WORDS),
    "style_selections": ["Fooocus V2", "Fooocus Enhance", "Fooocus Sharp"],
    "enhance_ctrls": [{"enhance_enabled": False, "enhance_prompt": MARKED} for _ in range(2)],
}
"""Fields of the request to be copied."""


PRAGMAS = {"journal_mode": "off", "synchronous": "off", "cache_size": -400_000, "locking_mode": "exclusive"}
"""No safety: if this is interrupted, only a temporary file is lost."""


def fill(file: Path, number: int, seed: int) -> list[str]:
    """Add `number` ended tasks of the past three years, and return the ids of a few thousand of them.

    Args:
        file: a SQLite history that no process has open, with one generated task made from `SAMPLE`.
    """
    chance = random.Random(seed)
    database = SqliteDatabase(str(file), pragmas=PRAGMAS)
    database.bind(TABLES)
    original = _Original(database)
    began = time.time_ns() // 1_000_000 - YEARS_MS
    ids: list[str] = []
    with database.connection_context():
        connection = database.connection()
        for first in range(0, number, CHUNK):
            rows = range(first, min(first + CHUNK, number))
            copies = [original.copy(row, began + YEARS_MS * row // number, chance) for row in rows]
            for model, values in (
                (TaskRow, [copy.task for copy in copies]),
                (ParametersRow, [copy.parameters for copy in copies]),
                (ImageRow, [image for copy in copies for image in copy.images]),
            ):
                connection.executemany(_insert(model), [tuple(row.values()) for row in values])
            connection.commit()
            ids += [copy.task["task_id"] for copy in copies[:: max(1, number // 5_000)]]
        daily_counts.recount()
    database.close()
    return ids


class _Copy:
    def __init__(self, task: dict[str, Any], parameters: dict[str, Any], images: list[dict[str, Any]]) -> None:
        self.task = task
        self.parameters = parameters
        self.images = images


class _Original:
    """The generated task, as templates."""

    def __init__(self, database: Any) -> None:
        with database.connection_context():
            self.task: Any = TaskRow.select().order_by(TaskRow.id.desc()).dicts().get()
            row_id = self.task.pop("id")
            self.parameters: str = ParametersRow.get(ParametersRow.task == row_id).parameters
            self.image: dict[str, Any] = ImageRow.select().where(ImageRow.task == row_id).dicts().first()
        self.first = row_id + 1
        self.metadata: str = self.image["metadata"]
        self.model: str = self.task["model"]
        assert MARKED in self.parameters and MARKED in self.metadata

    def copy(self, number: int, queued_at: int, chance: random.Random) -> _Copy:
        prompt = _prompt(number, chance)
        status = chance.choices(STATUSES, (92, 4, 3, 1))[0]
        model = chance.choices(MODELS, (50, *[2] * (len(MODELS) - 1)))[0]
        row_id, seed = self.first + number, chance.getrandbits(60)
        started = queued_at + chance.randrange(30_000)
        finished = started + chance.randrange(2_000, 60_000)
        task = {
            "id": row_id,
            **self.task,
            "task_id": uuid.UUID(int=chance.getrandbits(128)).hex,
            "source": chance.choices(SOURCES, (6, 3, 1))[0],
            "status": status,
            "model": model,
            "words": prompt.casefold(),
            "rank": row_id,
            "queued_at": queued_at,
            "started_at": started,
            "finished_at": finished,
            "error": json.dumps({"type": "RuntimeError", "message": "out of memory"}) if status == "failed" else None,
        }

        def written(text: str) -> str:
            return text.replace(MARKED, prompt).replace(self.model, model)

        parameters = {"task": row_id, "parameters": written(self.parameters), "downloads": "[]"}
        stamp = datetime.fromtimestamp(finished / 1000).strftime("%Y-%m-%d/%Y-%m-%d_%H-%M-%S")
        images = [
            {
                **self.image,
                "task": row_id,
                "position": position,
                "path": f"{stamp}_{row_id}{position}.png",
                "metadata": written(self.metadata),
                "seed": seed + position,
            }
            for position in range(chance.choices((1, 2, 4), (85, 12, 3))[0] if status == "finished" else 0)
        ]
        return _Copy(task, parameters, images)


def _prompt(number: int, chance: random.Random) -> str:
    words = chance.choices(WORDS, k=24)
    if number % RARE_EVERY == RARE_EVERY // 2:
        words[12] = RARE
    return " ".join(words)


def _insert(model: type[Model]) -> str:
    fields: Iterator[Any] = iter(model._meta.sorted_fields)
    columns = [field.column_name for field in fields]
    table, names = model._meta.table_name, ", ".join(f'"{column}"' for column in columns)
    return f'INSERT INTO "{table}" ({names}) VALUES ({", ".join("?" * len(columns))})'
