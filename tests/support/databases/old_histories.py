"""Histories as FooocusAPI and Fooocus-API write them, and the import command."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from PIL import Image as PILImage

from fooocus_api.db.repository import Repository
from fooocus_api.db.statements.task_pages import Filter
from fooocus_api.tests.support.commands import run_command
from fooocus_api.tests.support.host import DEMO, ROOT

Row = dict[str, Any]
FOOOCUSAPI_TABLE = """CREATE TABLE generate_record (
    id INTEGER NOT NULL PRIMARY KEY, task_id VARCHAR(255) NOT NULL, req_params JSON NOT NULL, in_queue_mills INTEGER,
    start_mills INTEGER, finish_mills INTEGER, task_status VARCHAR(255), progress FLOAT, webhook_url VARCHAR(255), result JSON)"""
FOOOCUS_API_TABLE = """CREATE TABLE generate_record (
    task_id VARCHAR(255) NOT NULL PRIMARY KEY, task_type TEXT NOT NULL, result_url TEXT, finish_reason TEXT,
    date_time INTEGER NOT NULL, prompt TEXT, base_model_name TEXT, loras JSON, image_prompts JSON, outpaint_distance_left INTEGER,
    webhook_url TEXT, require_base64 BOOLEAN{})"""
TIMES = (
    ", task_in_queue_mills INTEGER DEFAULT 0, task_start_mills INTEGER DEFAULT 0, task_finish_mills INTEGER DEFAULT 0"
)
QUEUED = 1_720_085_748_199


def database(file: Path, table: str, rows: list[Row]) -> Path:
    """Create an old database with these rows; lists and objects are written as JSON."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(table)
        for row in rows:
            values = [json.dumps(value) if isinstance(value, (dict, list)) else value for value in row.values()]
            names = ", ".join(row)
            connection.execute(f"INSERT INTO generate_record ({names}) VALUES ({', '.join('?' * len(row))})", values)
    return file


def record(number: int, **changes: Any) -> Row:
    """Return a row as FooocusAPI writes it for a finished task with one image."""
    return {
        "task_id": f"{number:032x}",
        "req_params": {
            "prompt": f"cat {number}",
            "base_model_name": "demo_daylight.safetensors",
            "uov_input_image": "",
        },
        "in_queue_mills": QUEUED + number,
        "start_mills": QUEUED + number + 226,
        "finish_mills": QUEUED + number + 21_847,
        "task_status": "finished",
        "progress": 100,
        "webhook_url": "",
        "result": [f"http://127.0.0.1:7866/outputs/2024-07-04/{number}.png"],
    } | changes


def picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    PILImage.new("RGB", (64, 48), (len(path.name), 2, 3)).save(path)
    return path


def run_import(*arguments: str | Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run `extension.py import` in a process of its own."""
    environment = {**os.environ, "FOOOCUS_API_CHECKOUT": str(DEMO), **(env or {})}
    command = [sys.executable, str(ROOT / "extension.py"), "import", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)


def imported(path: Path, outputs: Path) -> dict[str, Row]:
    """Import the database, assert success, and return all tasks by their prompt."""
    done = run_command("import", path, "--output-path", outputs)
    assert done.returncode == 0, done.stdout + done.stderr
    return tasks(outputs)


def tasks(outputs: Path, database: str | None = None) -> dict[str, Row]:
    repository = Repository(database or outputs / ".fooocus_api" / "tasks.sqlite3")
    try:
        rows = repository.page(Filter(), 0, 100, newest_first=False)
        assert repository.count(Filter()) == (len(rows), False)
    finally:
        repository.close()
    return {row["parameters"]["prompt"]: row for row in rows}
