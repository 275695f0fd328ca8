"""Serializes responses off the event loop: FastAPI validates and serializes an async route's result on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi.responses import Response
from pydantic import BaseModel


def rendered(model: type[BaseModel], values: dict[str, Any], *, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON response with these values, validated by the model, without unset fields.

    Off the event loop: a hundred records with their images take tens of milliseconds.
    """
    content = model.model_validate(values).model_dump_json(exclude_unset=True)
    return Response(content, media_type="application/json", headers=dict(headers or {}))
