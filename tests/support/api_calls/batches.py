"""Batches as clients send and read them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import requests

from fooocus_api.tests.support.client import QUICK, Client, Record, wait_for

LINES = {"Content-Type": "application/x-ndjson"}
CSV = {"Content-Type": "text/csv"}


def send_lines(client: Client, rows: Iterable[Record], **query: Any) -> requests.Response:
    """Send rows as JSON Lines."""
    return client.post("/v1/batches", data="".join(json.dumps(row) + "\n" for row in rows), headers=LINES, params=query)


def send_csv(client: Client, text: str | bytes, **query: Any) -> requests.Response:
    """Send a CSV file."""
    data = text.encode() if isinstance(text, str) else text
    return client.post("/v1/batches", data=data, headers=CSV, params=query)


def combine(client: Client, *axes: Record, request: Record = QUICK, **members: Any) -> requests.Response:
    """Send one request with lists to combine."""
    return client.post("/v1/batches", json={"request": request, "combine": list(axes), **members})


def quick(number: int, **fields: Any) -> list[Record]:
    """Return that many quick rows."""
    return [{**QUICK, "prompt": f"number {row}", **fields} for row in range(1, number + 1)]


def accepted(response: requests.Response) -> str:
    """Return the id of an accepted batch."""
    assert response.status_code == 202, response.text
    return str(response.json()["batch_id"])


def batch(client: Client, batch_id: str) -> Record:
    """Get a batch."""
    response = client.get(f"/v1/batches/{batch_id}")
    assert response.status_code == 200, response.text
    record: Record = response.json()
    return record


def ended(client: Client, batch_id: str, patience: float = 240) -> Record:
    """Wait until a batch has ended, and return its record."""
    wait_for(lambda: batch(client, batch_id)["status"] == "ended", f"batch {batch_id} to end", patience)
    return batch(client, batch_id)


def results(client: Client, batch_id: str, **query: Any) -> list[Record]:
    """Get the results of a batch."""
    response = client.get(f"/v1/batches/{batch_id}/results", params=query)
    assert response.status_code == 200 and response.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in response.content.splitlines()]


def row_errors(response: requests.Response) -> list[Record]:
    """Return the errors of a rejected batch."""
    assert response.status_code == 422, response.text
    problem = response.json()
    assert problem["code"] == "invalid_rows", problem
    errors: list[Record] = problem["errors"]
    return errors
