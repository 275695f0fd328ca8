"""A SQLite history as version 0.1.0 left it, with any number of tasks."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE schema_version (
    id INTEGER NOT NULL PRIMARY KEY, version INTEGER NOT NULL
);
CREATE TABLE task (
    id INTEGER NOT NULL PRIMARY KEY, task_id VARCHAR(32) NOT NULL, source VARCHAR(64) NOT NULL, status VARCHAR(16) NOT
    NULL, model VARCHAR(255) NOT NULL, words TEXT NOT NULL, rank INTEGER NOT NULL, queued_at INTEGER NOT NULL,
    started_at INTEGER NOT NULL, finished_at INTEGER NOT NULL, progress INTEGER NOT NULL, title TEXT NOT NULL,
    attempts INTEGER NOT NULL, webhook_url TEXT NOT NULL, error TEXT, notes TEXT, idempotency_key VARCHAR(64),
    fingerprint VARCHAR(64)
);
CREATE UNIQUE INDEX taskrow_task_id ON task (task_id);
CREATE UNIQUE INDEX taskrow_idempotency_key ON task (idempotency_key);
CREATE INDEX taskrow_queued_at_id_status ON task (queued_at, id, status);
CREATE INDEX taskrow_status_queued_at_id ON task (status, queued_at, id);
CREATE INDEX taskrow_source_queued_at_id_status ON task (source, queued_at, id, status);
CREATE INDEX taskrow_model_queued_at_id_status ON task (model, queued_at, id, status);
CREATE TABLE task_parameters (
    task_id INTEGER NOT NULL PRIMARY KEY, parameters TEXT NOT NULL, downloads TEXT NOT NULL, FOREIGN KEY (task_id)
    REFERENCES task (id) ON DELETE CASCADE
);
CREATE TABLE task_image (
    task_id INTEGER NOT NULL, position INTEGER NOT NULL, path VARCHAR(512) NOT NULL, kept INTEGER NOT NULL, metadata
    TEXT NOT NULL, seed INTEGER, width INTEGER, height INTEGER, format VARCHAR(16), PRIMARY KEY (task_id, position),
    FOREIGN KEY (task_id) REFERENCES task (id) ON DELETE CASCADE
);
CREATE INDEX imagerow_task_id ON task_image (task_id);
CREATE INDEX imagerow_path ON task_image (path);
CREATE UNIQUE INDEX imagerow_task_id_path ON task_image (task_id, path);
CREATE TABLE task_input (
    task_id INTEGER NOT NULL, file_name VARCHAR(80) NOT NULL, PRIMARY KEY (task_id, file_name), FOREIGN KEY (task_id)
    REFERENCES task (id) ON DELETE CASCADE
);
CREATE INDEX inputrow_task_id ON task_input (task_id);
CREATE INDEX inputrow_file_name ON task_input (file_name);
CREATE TABLE webhook (
    task_id INTEGER NOT NULL PRIMARY KEY, url TEXT NOT NULL, receiver VARCHAR(300) NOT NULL, base_url TEXT NOT NULL,
    state VARCHAR(16) NOT NULL, due_at INTEGER NOT NULL, since INTEGER NOT NULL, tries INTEGER NOT NULL, FOREIGN KEY
    (task_id) REFERENCES task (id) ON DELETE CASCADE
);
CREATE INDEX webhookrow_state_receiver_due_at ON webhook (state, receiver, due_at);
CREATE TABLE webhook_attempt (
    id INTEGER NOT NULL PRIMARY KEY, task_id INTEGER NOT NULL, at INTEGER NOT NULL, duration_ms INTEGER NOT NULL,
    status INTEGER, error TEXT, FOREIGN KEY (task_id) REFERENCES task (id) ON DELETE CASCADE
);
CREATE INDEX attemptrow_task_id ON webhook_attempt (task_id);
CREATE TABLE task_tally (
    status VARCHAR(16) NOT NULL, day INTEGER NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (status, day)
);
CREATE TABLE input_upload (
    file_name VARCHAR(80) NOT NULL, source VARCHAR(64) NOT NULL, PRIMARY KEY (file_name, source)
);
CREATE TABLE source_usage (
    source VARCHAR(64) NOT NULL PRIMARY KEY, day INTEGER NOT NULL, images INTEGER NOT NULL
);
INSERT INTO schema_version (version) VALUES (6);
"""
DAY_MS = 24 * 3600 * 1000
BEGAN_MS = 1_700_000_000_000
PROMPTS = (
    "a cat by the lake",
    "eine Burg",
    "一只猫在屋顶上",
    "a lighthouse, 100% sharp",
    "back\\slash and under_score",
)


def prompt(number: int) -> str:
    """Return the prompt of the task with that number."""
    return f"{PROMPTS[number % len(PROMPTS)]} {number}"


def create(file: Path, ended: int, pending: int, parameters: dict[str, Any]) -> None:
    """Create a history with finished tasks of one image each, from number 1 on, and pending ones with these parameters."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(file)) as database, database:
        database.executescript(SCHEMA)
        tasks, contents, images = [], [], []
        for number in range(1, ended + pending + 1):
            is_ended, text = number <= ended, prompt(number)
            at = BEGAN_MS + number * 1000
            times = (at, at + 100, at + 900, 100) if is_ended else (at, -1, -1, 0)
            status = "finished" if is_ended else "pending"
            tasks.append(
                (number, f"{number:032x}", "api", status, "m.safetensors", text.casefold(), number, *times, "", 1, "")
            )
            contents.append((number, json.dumps({**parameters, "prompt": text}), "[]"))
            if is_ended:
                images.append((number, 0, f"2023-11-14/{number}.png", 1, "{}", number, 64, 32, "png"))
        columns = "id, task_id, source, status, model, words, rank, queued_at, started_at, finished_at, progress, title"
        for table, rows in (
            (f"task ({columns}, attempts, webhook_url)", tasks),
            ("task_parameters", contents),
            ("task_image", images),
        ):
            slots = ", ".join("?" * len(rows[0]))
            database.executemany(f"INSERT INTO {table} VALUES ({slots})", rows)
        database.execute(
            "INSERT INTO task_tally SELECT status, queued_at / ?, count(*) FROM task GROUP BY 1, 2", (DAY_MS,)
        )
