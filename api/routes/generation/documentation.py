"""The documentation that the routes which generate have in common: their headers, links and responses."""

from __future__ import annotations

from typing import Any

from ...requests.headers.idempotency import MAX_KEY_LENGTH
from ...responses.images import MEDIA_TYPES
from ...responses.problems import header, responses
from ...responses.sse import sse_openapi_content
from ...schemas.events import StreamMessage
from ...schemas.task import RecordResponse

IDEMPOTENCY = """A text of up to 255 characters that identifies this request. A repetition with the same body returns the first
task, so that a client can retry after it lost the response. A repetition with another body is rejected."""
IDEMPOTENCY_SCHEMA: dict[str, Any] = {"minLength": 1, "maxLength": MAX_KEY_LENGTH, "pattern": r"\S"}

PREFER = "`respond-async` returns 202 immediately; `wait=N` waits up to N seconds (at most 3600) before returning 202."

HEADERS = {
    "X-Task-Id": header("The id of the task.", required=True),
    "Location": header("The URL of the task's record.", required=True),
    "X-Ignored-Fields": header("Fields of the request that are unknown or have no effect."),
    "Idempotency-Replayed": header("`true` if the task is that of an earlier request.", enum=["true"]),
    "Preference-Applied": header("The preferences that the server applied."),
}

LINKS = {
    f"{method} {path}": {
        "operationRef": f"#/paths/{path.replace('/', '~1')}/{method}",
        "parameters": {"task_id": "$response.header.X-Task-Id"},
    }
    for method, path in (
        ("get", "/tasks/{task_id}"),
        ("delete", "/tasks/{task_id}"),
        ("get", "/tasks/{task_id}/events"),
        ("get", "/tasks/{task_id}/webhooks"),
        ("post", "/tasks/{task_id}/webhooks/resend"),
        ("post", "/tasks/{task_id}/stop"),
        ("post", "/tasks/{task_id}/skip"),
        ("post", "/tasks/{task_id}/move-to-front"),
        ("post", "/tasks/{task_id}/move"),
        ("put", "/tasks/{task_id}/tags"),
        ("post", "/tasks/{task_id}/repeat"),
    )
}
"""OpenAPI links to the operations on the task."""


def generation_responses() -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that generates."""
    poll = header("Seconds to wait before polling the record.", required=True, type="integer", minimum=1)
    return {
        **responses(401, 406, 409, 422, 429, 500, 503),
        202: {
            "model": RecordResponse,
            "description": "Accepted, but not finished within the time of `Prefer`.",
            "headers": {**HEADERS, "Retry-After": poll},
            "links": LINKS,
        },
        200: {
            "description": "The record, the stream or the image.",
            "content": {
                **sse_openapi_content(StreamMessage.__name__),
                **{kind: {} for kind in MEDIA_TYPES.values()},
            },
            "headers": {**HEADERS, "Content-Location": header("The URL of the image, if the response is one.")},
            "links": LINKS,
        },
    }
