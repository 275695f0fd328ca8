"""Server-sent events on the wire."""

from __future__ import annotations

import json
from typing import Any

from fastapi.sse import format_sse_event

PING = b": ping\n\n"
"""A comment, which clients ignore. It keeps proxies from closing an idle connection."""


def sse_openapi_content(*models: str) -> dict[str, Any]:
    """Return the OpenAPI `content` of a stream whose events carry JSON of one of these models.

    `itemSchema` is from OpenAPI 3.2, and FastAPI writes it, too; older readers ignore it.
    """
    content = {"anyOf": [{"$ref": f"#/components/schemas/{model}"} for model in models]}
    data = {"type": "string", "contentMediaType": "application/json", "contentSchema": content}
    event = {"type": "object", "properties": {"data": data, "event": {"type": "string"}, "id": {"type": "string"}}}
    return {"text/event-stream": {"itemSchema": event}}


def message(data: dict[str, Any], event: str | None = None, event_id: str | None = None) -> bytes:
    """Return one event with JSON data."""
    return format_sse_event(data_str=json.dumps(data, ensure_ascii=False), event=event, id=event_id)
