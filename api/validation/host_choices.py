"""Checks values of the host's own arguments against the current choices of their controls."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

from ...asgi.error_codes import FieldErrorCode
from ...asgi.problem import shortened
from ..context import Context
from ..responses.problems import FieldError
from ..schemas.generate import CommonRequest
from ..schemas.host_request import extra_fields
from .known_names import refresh_once

MAX_NAMED = 8


def wrong_choices(request: CommonRequest, context: Context) -> Iterator[FieldError]:
    """Yield an error for each value that its control does not offer, after a refresh of the host's lists."""
    given = request.model_fields_set - set(CommonRequest.model_fields)
    if not given:
        return
    refreshed = False
    for name, field in extra_fields(context).items():
        if name not in given or field.choices is None:
            continue
        value = getattr(request, name)
        for path, item in _items(name, value):
            if item == field.default or item in field.choices():
                continue
            if not refreshed:
                refresh_once(context.host.catalog)
                refreshed = True
            if item not in (known := field.choices()):
                message = f"unknown value {shortened(str(item))!r}"
                yield FieldError(
                    field=path, code=FieldErrorCode.UNKNOWN_VALUE, message=message, allowed=_nearest(item, known)
                )


def _items(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list):
        yield from ((f"{name}[{index}]", item) for index, item in enumerate(value))
    else:
        yield name, value


def _nearest(item: Any, known: list[Any]) -> list[str]:
    names = [str(value) for value in known]
    if len(names) <= MAX_NAMED:
        return names
    return difflib.get_close_matches(shortened(str(item)), names, n=5, cutoff=0.4) or names[:MAX_NAMED]
