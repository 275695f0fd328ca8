"""Calls that generate: each form of answer of `POST /v1/engine/generate`, and of a repetition."""

from __future__ import annotations

import time
import uuid
from typing import Any, Optional

from ..schema.events import StreamMessage
from ..schema.tasks import Task
from ..wire.errors import api_error
from ..wire.image_files import json_value
from ..wire.request import Answer, Call, Request, json_request, parsed, reader
from ..wire.stream import EventStream

GENERATE = "/v1/engine/generate"
WAIT_S = 20
"""Seconds that the server holds one request. Proxies close connections that are silent for a minute."""
SHORTEST_ROUND_S = 2.0
"""Seconds from one request that waits to the next, also if the server answers at once."""
MEDIA_TYPES = {"png": "image/png", "jpeg": "image/jpeg", "jpg": "image/jpeg", "webp": "image/webp"}


def new_key() -> str:
    """Return an Idempotency-Key, with which a request can be sent again without generating twice."""
    return uuid.uuid4().hex


class Rounds:
    """The pauses between the repetitions of a request that waits on the server."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    def pause(self) -> float:
        """Return the seconds until the next repetition, mostly 0: the server has held the last one."""
        now = time.monotonic()
        pause = max(0.0, self._since + SHORTEST_ROUND_S - now)
        self._since = now + pause
        return pause


def body_of(prompt: str, fields: Any) -> dict[str, Any]:
    """Return the body of a request. Fields that are None are left out."""
    given = {name: json_value(value) for name, value in fields.items() if value is not None}
    return {"prompt": prompt, **given}


def record(body: dict[str, Any], key: Optional[str]) -> Call[Task]:
    """Wait for the record for a while; it may still be `pending` or `running`."""
    return Call(_request(GENERATE, body, key, {"Prefer": f"wait={WAIT_S}"}), reader(Task))


def pending(body: dict[str, Any], key: Optional[str]) -> Call[Task]:
    """Get the record at once. The body is that of `record`, which can wait for the same task with the same key."""
    return Call(_request(GENERATE, body, key, {"Prefer": "respond-async"}), reader(Task))


def image(body: dict[str, Any], key: Optional[str], image_format: str) -> Call[Optional[bytes]]:
    """Get the image itself, None if it is not ready yet: then the same call again waits further."""
    accept = MEDIA_TYPES.get(image_format)
    if accept is None:
        raise ValueError(f"unknown format {image_format!r}; use one of {', '.join(MEDIA_TYPES)}")

    def read(answer: Answer) -> Optional[bytes]:
        return None if answer.status == 202 else answer.content

    return Call(_request(GENERATE, body, key, {"Accept": accept, "Prefer": f"wait={WAIT_S}"}), read)


def stream(body: dict[str, Any], key: Optional[str], retries: int) -> EventStream[StreamMessage]:
    """Follow the request's own stream. A new connection with the same key continues with the same task."""
    request = _request(GENERATE, {**body, "stream_output": True}, key)
    return EventStream(request, _message, _is_last, continues=False, retries=retries)


def repeat(task_id: str, image_index: Optional[int], changes: Any, key: Optional[str]) -> Call[Task]:
    """Generate an ended task, or one of its images, again."""
    body = {**{name: json_value(value) for name, value in changes.items()}, "async_process": True}
    return Call(_request(f"/tasks/{task_id}/repeat", body, key, params={"image": image_index}), reader(Task))


def _request(path: str, body: dict[str, Any], key: Optional[str], headers: Any = None, **more: Any) -> Request:
    return json_request(
        "POST", path, body, {"Idempotency-Key": key or new_key(), **(headers or {})}, outlasts=True, **more
    )


def _message(name: str, data: dict[str, Any]) -> StreamMessage:
    """Return a message of the stream.

    Raises:
        ApiError: the task failed, or Fooocus shuts down.
    """
    if name == "error":
        raise api_error(int(data.get("status") or 500), data)
    return parsed(StreamMessage, data)


def _is_last(name: str, data: dict[str, Any]) -> bool:
    return name == "error" or data.get("message") in ("Finished", "Stopped")
