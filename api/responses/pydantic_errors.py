"""Maps pydantic's types of errors to the codes of this API."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ...asgi.error_codes import FieldErrorCode

_TYPES = {
    FieldErrorCode.REQUIRED: "missing",
    FieldErrorCode.WRONG_TYPE: "bool_parsing bool_type dict_type float_parsing float_type int_from_float int_parsing int_type "
    "list_type model_attributes_type model_type none_required string_type string_unicode",
    FieldErrorCode.OUT_OF_RANGE: "finite_number greater_than greater_than_equal int_parsing_size less_than less_than_equal",
    FieldErrorCode.TOO_LONG: "client_data string_too_long",
    FieldErrorCode.TOO_SHORT: "string_too_short",
    FieldErrorCode.WRONG_COUNT: "too_long too_short",
    FieldErrorCode.INVALID_FORMAT: "file_name key_name string_pattern_mismatch tag",
    FieldErrorCode.INVALID_JSON: "json_invalid",
    FieldErrorCode.UNKNOWN_VALUE: "enum literal_error",
    FieldErrorCode.UNKNOWN_FIELD: "extra_forbidden",
    FieldErrorCode.DUPLICATE: "duplicate",
}
CODES = {error_type: code for code, types in _TYPES.items() for error_type in types.split()}
"""Pydantic's type of an error, or that of one of our validators → its code. A test holds that no schema has another."""


def code_of(error_type: str) -> FieldErrorCode:
    """Return the code for a type of pydantic's errors. A type that is not in the table is a wrong type of some union."""
    return CODES.get(error_type, FieldErrorCode.WRONG_TYPE)


_OBJECT = "must be a JSON object"
_MESSAGES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "dict_type": lambda _: _OBJECT,
    "model_attributes_type": lambda _: _OBJECT,
    "model_type": lambda _: _OBJECT,
    "list_type": lambda _: "must be a list",
    "too_short": lambda bounds: f"must have at least {bounds['min_length']} items, not {bounds['actual_length']}",
    "too_long": lambda bounds: f"must have at most {bounds['max_length']} items, not {bounds['actual_length']}",
    "extra_forbidden": lambda _: "is unknown; omit it",
}
"""Pydantic's type of an error → its message from pydantic's bounds, where pydantic's own speaks of Python's types."""


def message_of(error: Mapping[str, Any]) -> str:
    """Return the message for one of pydantic's errors."""
    message = _MESSAGES.get(error["type"])
    return message(error.get("ctx", {})) if message else str(error["msg"])


def allowed_of(error: Mapping[str, Any]) -> list[Any]:
    """Return the values that one of pydantic's errors names as allowed, empty if the field has no list of values."""
    if error["type"] not in ("literal_error", "enum"):
        return []
    return re.findall(r"'([^']*)'", str(error.get("ctx", {}).get("expected", "")))
