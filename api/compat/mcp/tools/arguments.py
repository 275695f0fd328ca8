"""Arguments of tools: what models send, checked by the tool's schema, with words by which a model can correct itself."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection
from typing import Any

from .....asgi.error_codes import FieldErrorCode
from .....asgi.problem import shortened
from ....requests.parameter_names import unknown_name
from ....responses.problems import FieldError, InvalidFields

ADDED_BY_HOSTS = frozenset({"toolCallId", "tool", "sessionId", "action", "chatInput"})
"""Arguments that n8n adds to those of the model."""
MAX_TEXT = 2**16
"""Characters of arguments that are sent as the text of an object, which is parsed on the event loop."""
MAX_UNKNOWN = 10
"""Unknown arguments that are named in one error."""


def checked(given: Any, schema: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments in the types of the schema, without those that are null.

    A number as text, a list as text, all arguments as text and one text in place of a list are accepted, as models send them.

    Raises:
        InvalidFields: names every argument that is missing, unknown or wrong.
    """
    if isinstance(given, str) and len(given) <= MAX_TEXT:
        with contextlib.suppress(ValueError, RecursionError):
            given = json.loads(given) if given.strip() else None
    if given is None:
        given = {}
    if not isinstance(given, dict):
        raise _wrong("arguments", FieldErrorCode.WRONG_TYPE, "must be an object")
    properties: dict[str, Any] = schema.get("properties", {})
    found: dict[str, Any] = {}
    errors: list[FieldError] = []
    for name, value in given.items():
        if name not in properties:
            if name not in ADDED_BY_HOSTS and len(errors) < MAX_UNKNOWN:
                errors.append(_unknown(name, properties))
        elif value is not None:
            try:
                found[name] = _converted(name, value, properties[name])
            except InvalidFields as error:
                errors += error.errors
    for name in schema.get("required", ()):
        if name not in found and not any(error.field == name for error in errors):
            errors.append(FieldError(field=name, code=FieldErrorCode.REQUIRED, message="is required"))
        elif isinstance(found.get(name), str) and not found[name].strip():
            errors.append(FieldError(field=name, code=FieldErrorCode.REQUIRED, message="is empty; give a text"))
    if errors:
        raise InvalidFields(errors)
    return found


def _unknown(name: str, properties: Collection[str]) -> FieldError:
    if properties:
        return unknown_name(name, properties, "argument")
    message = "unknown argument; this tool takes none"
    return FieldError(field=shortened(name), code=FieldErrorCode.UNKNOWN_FIELD, message=message)


def _converted(name: str, value: Any, schema: dict[str, Any]) -> Any:
    kind = schema["type"]
    if kind == "integer":
        return _number(name, value, schema)
    if kind == "array":
        return _texts(name, value)
    if not isinstance(value, str):
        raise _wrong(name, FieldErrorCode.WRONG_TYPE, "must be a text")
    choices = schema.get("enum")
    if choices is None or not value.strip():
        return value
    known = {choice.casefold(): choice for choice in choices}
    if value.strip().casefold() not in known:
        message = f"unknown value {shortened(value)!r}"
        raise _wrong(name, FieldErrorCode.UNKNOWN_VALUE, message, choices)
    return known[value.strip().casefold()]


def _number(name: str, value: Any, schema: dict[str, Any]) -> int:
    if isinstance(value, str) and len(value) <= 20:
        with contextlib.suppress(ValueError):
            value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong(name, FieldErrorCode.WRONG_TYPE, "must be an integer")
    low, high = schema["minimum"], schema["maximum"]
    if not low <= value <= high:
        raise _wrong(name, FieldErrorCode.OUT_OF_RANGE, f"must be {low} to {high}")
    return value


def _texts(name: str, value: Any) -> list[str]:
    if isinstance(value, str):
        value = _listed(value)
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise _wrong(name, FieldErrorCode.WRONG_TYPE, "must be a list of texts")
    return [one.strip() for one in value if one.strip()]


def _listed(text: str) -> Any:
    """Return the list that a text stands for: JSON, or parts between commas."""
    if text.lstrip().startswith("["):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return None
    return text.split(",")


def _wrong(name: str, code: FieldErrorCode, message: str, allowed: list[Any] | None = None) -> InvalidFields:
    return InvalidFields([FieldError(field=name, code=code, message=message, allowed=allowed)])
