"""Server-sent events on the wire."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event

HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
"""Proxies must neither keep nor collect what is meant to be seen at once."""
PING = b": ping\n\n"
"""A comment, which readers pass over: it keeps proxies from closing a silent connection."""


def described(*models: str) -> dict[str, Any]:
    """What the API's description says of a stream whose events have JSON of one of these shapes as their data.

    `itemSchema` is OpenAPI 3.2's, which FastAPI writes as well: older readers pass over it.
    """
    content = {"anyOf": [{"$ref": f"#/components/schemas/{model}"} for model in models]}
    data = {"type": "string", "contentMediaType": "application/json", "contentSchema": content}
    event = {"type": "object", "properties": {"data": data, "event": {"type": "string"}, "id": {"type": "string"}}}
    return {"text/event-stream": {"itemSchema": event}}


def message(data: dict[str, Any], event: str | None = None, event_id: str | None = None) -> bytes:
    """One event with JSON data."""
    return format_sse_event(data_str=json.dumps(data, ensure_ascii=False), event=event, id=event_id)


def event_stream(messages: AsyncIterator[bytes], headers: dict[str, str] | None = None) -> StreamingResponse:
    """A response that sends each event by itself, as clients cut the stream where it is flushed."""
    return StreamingResponse(messages, media_type="text/event-stream", headers={**HEADERS, **(headers or {})})
