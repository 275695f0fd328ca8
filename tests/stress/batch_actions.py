"""Batches that a user of a soak sends: each row becomes one task, and their images are in an archive.

A violation raises AssertionError.
"""

from __future__ import annotations

import contextlib
import io
import json
import time
import zipfile
from typing import Any

from ..support.api_calls.batches import LINES
from ..support.client import QUICK, Record, events
from .generate_actions import new_fields
from .simulated_user import SimulatedUser

FOREIGN = ("webhook_url", "priority", "require_base64")
"""Fields that a row does not have here."""


def batch(user: SimulatedUser) -> None:
    """Send a batch, wait for its end, check each row, and perhaps delete it."""
    user.ledger.count("batch")
    rows = [_row(user) for _ in range(user.chance.choice((1, 2, 4, 6)))]
    body = "".join(json.dumps({**QUICK, **row}) + "\n" for row in rows)
    headers = {**LINES, "Idempotency-Key": rows[0]["prompt"]}
    response = user.client.post("/v1/batches", data=body, headers=headers)
    if not user.ledger.answered(response, 202):
        return
    batch_id = response.json()["batch_id"]
    if user.chance.random() < 0.3:
        user.ledger.count("batch stopped")
        for action in ("stop", "resume"):
            _repeat(user, "POST", f"/v1/batches/{batch_id}/{action}", 200, 409)
    if user.chance.random() < 0.3:
        with user.client.get(f"/v1/batches/{batch_id}/events", stream=True) as stream:
            if user.ledger.answered(stream, 200):
                for _ in events(stream):
                    pass
    while (record := _repeat(user, "GET", f"/v1/batches/{batch_id}", 200).json())["status"] != "ended":
        time.sleep(0.5)
    _check(user, batch_id, rows, record)


def _row(user: SimulatedUser) -> dict[str, Any]:
    return {name: value for name, value in new_fields(user).items() if name not in FOREIGN}


def _repeat(user: SimulatedUser, method: str, path: str, *expected: int) -> Any:
    """Send a request until it is answered."""
    while True:
        with contextlib.suppress(*user.ledger.outages.broken()):
            response = user.client.request(method, path)
            if user.ledger.answered(response, *expected):
                return response
        time.sleep(1)
        user.roam()


def _check(user: SimulatedUser, batch_id: str, rows: list[dict[str, Any]], record: Record) -> None:
    """Check that each row became one task, or was stopped before."""
    counts = record["counts"]
    assert counts["total"] == len(rows) and counts["succeeded"] + counts["failed"] + counts["cancelled"] == len(rows)
    response = _repeat(user, "GET", f"/v1/batches/{batch_id}/results", 200)
    results = [json.loads(line) for line in response.content.splitlines()]
    assert [one["custom_id"] for one in results] == [str(number) for number in range(1, len(rows) + 1)], results
    ids: list[str] = []
    for row, result in zip(rows, results, strict=True):
        ids += _noted(user, row, result)
    if counts["succeeded"]:
        archive = _repeat(user, "GET", f"/v1/batches/{batch_id}/archive.zip", 200)
        with zipfile.ZipFile(io.BytesIO(archive.content)) as found:
            assert found.testzip() is None and "results.jsonl" in found.namelist()
    if user.chance.random() < 0.3:
        user.ledger.count("batch deleted")
        for task_id in ids:
            user.ledger.ask(task_id, "delete")
        _repeat(user, "DELETE", f"/v1/batches/{batch_id}?images=true", 200, 204, 404)


def _noted(user: SimulatedUser, row: dict[str, Any], result: Record) -> list[str]:
    """Record the task of a row, and earlier ones of the row: what fails for want of space is generated again."""
    found = user.all_found(row["prompt"])
    assert result.get("task_id") is None or result["task_id"] in found, (result, found)
    last = result.get("task_id")
    for task_id in found:
        user.ledger.give(task_id, user.owner, row if task_id == last else {**row, "again": True})
        if task_id != last:
            user.ledger.ask(task_id, "stop")  # of a row that was taken back
    return found
