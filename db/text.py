"""Text as every database takes it: no NUL, no half of a character. Called by this room only."""

from __future__ import annotations

import json
from typing import Any

JSON_COLUMNS = ("parameters", "downloads", "metadata", "error", "notes")


def plain(text: str) -> str:
    """For columns that are searched and shown: what can't be kept becomes a space or a question mark."""
    return text.replace("\x00", " ").encode("utf-8", "replace").decode()


def as_json(value: Any) -> str:
    """JSON that reads back as the value, whatever is in its strings; what JSON has no word for becomes text."""
    text = json.dumps(value, ensure_ascii=False, default=str)  # which escapes NUL but leaves halves of characters
    return text.encode("utf-8", "backslashreplace").decode()


def encoded(values: dict[str, Any]) -> dict[str, Any]:
    """Values of columns as they are kept: some as JSON."""
    return {name: _column(name, value) for name, value in values.items()}


def decoded(row: dict[str, Any]) -> dict[str, Any]:
    """The values that were `encoded`."""
    return {
        name: json.loads(value) if name in JSON_COLUMNS and value is not None else value for name, value in row.items()
    }


def _column(name: str, value: Any) -> Any:
    if name in JSON_COLUMNS and value is not None:
        return as_json(value)
    return plain(value) if isinstance(value, str) else value
