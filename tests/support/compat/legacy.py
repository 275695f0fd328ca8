"""Requests of Fooocus-API's clients, and what they wait for."""

from __future__ import annotations

import base64
import io
from typing import Any

import requests
from PIL import Image as PILImage

from fooocus_api.tests.support.client import Client, wait_for

TEXT = "/v1/generation/text-to-image"
QUERY, STOP = "/v1/generation/query-job", "/v1/generation/stop"
HISTORY = "/v1/generation/job-history"
JOB = {"job_id", "job_type", "job_stage", "job_progress", "job_status", "job_step_preview", "job_result", "job_error"}
QUICK: dict[str, Any] = {
    "performance_selection": "Speed",
    "aspect_ratios_selection": "704x1408",
    "style_selections": [],
    "advanced_params": {"overwrite_step": 1, "overwrite_width": 256, "overwrite_height": 256},
}
"""Fields of the cheapest request."""


def png(colour: str = "red", size: tuple[int, int] = (64, 64)) -> bytes:
    """Return a picture of one colour."""
    buffer = io.BytesIO()
    PILImage.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def text(content: bytes) -> str:
    """Return a file as base64."""
    return base64.b64encode(content).decode("ascii")


def post(client: Client, path: str = TEXT, **fields: Any) -> requests.Response:
    """Send the cheapest request as JSON, with the given fields on top."""
    return client.post(path, json={**QUICK, **fields})


def ignored(response: requests.Response) -> set[str]:
    """Return the names in `X-Ignored-Fields`."""
    return set(response.headers.get("x-ignored-fields", "").split(", ")) - {""}


def record_of(client: Client, response: requests.Response) -> dict[str, Any]:
    """Return the record of the task that an answered request became."""
    assert response.status_code == 200, response.text
    return client.task(response.headers["x-task-id"])


def asked(client: Client, response: requests.Response) -> dict[str, Any]:
    """Return the parameters of the task that an answered request became."""
    return dict(record_of(client, response)["req_params"])


def planned(client: Client, path: str = TEXT, **fields: Any) -> dict[str, Any]:
    """Return the parameters of the task that a request becomes, without waiting for its image."""
    response = client.post(path, json={**QUICK, **fields, "async_process": True})
    sent = asked(client, response)
    client.post(STOP, json={"job_id": response.json()["job_id"]})
    return sent


def ended(client: Client, job_id: str) -> dict[str, Any]:
    """Poll a job as clients do, until it has ended."""

    def look() -> dict[str, Any] | None:
        job = client.get(QUERY, params={"job_id": job_id}).json()
        return job if job["job_status"] == "Finished" else None

    return dict(wait_for(look, f"job {job_id}"))
