"""Column values that every database accepts: text without NUL and lone surrogates."""

from __future__ import annotations

import json
from typing import Any

JSON_COLUMNS = ("parameters", "downloads", "metadata", "error", "notes")


def plain(text: str) -> str:
    """Return text for columns that are searched and shown: NUL becomes a space, a lone surrogate a question mark."""
    return text.replace("\x00", " ").encode("utf-8", "replace").decode()


def as_json(value: Any) -> str:
    """Return JSON that reads back as the value, even with NUL or lone surrogates in its strings; values without a JSON type
    become text."""
    text = json.dumps(value, ensure_ascii=False, default=str)  # escapes NUL but not lone surrogates
    return text.encode("utf-8", "backslashreplace").decode()


def encoded(values: dict[str, Any]) -> dict[str, Any]:
    """Return column values as they are stored: JSON columns as JSON, other text as `plain`."""
    return {name: _column(name, value) for name, value in values.items()}


def decoded(row: dict[str, Any]) -> dict[str, Any]:
    """Return the values that were `encoded`."""
    values = {**row}
    for name in JSON_COLUMNS:
        if values.get(name) is not None:
            values[name] = json.loads(values[name])
    return values


def _column(name: str, value: Any) -> Any:
    if name in JSON_COLUMNS and value is not None:
        return as_json(value)
    return plain(value) if isinstance(value, str) else value


def decoded_task(row: dict[str, Any]) -> dict[str, Any]:
    """Return a task's row with its images, JSON columns as Python objects."""
    return {**decoded(row), "images": [decoded(image) for image in row["images"]]}
