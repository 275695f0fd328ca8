"""Checks a request as the route that generates does, and leaves out what this host refuses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from ..context import Context
from ..responses.problems import FieldError, InvalidFields, field_error
from ..schemas.generate import CommonRequest
from ..validation.known_names import with_listed_names
from ..validation.sizes import with_size
from ..validation.validation import check
from .draft import Draft

MAX_ROUNDS = 8
"""Checks of one request. Each leaves out all that it found."""
_ITEM = re.compile(r"(\w+)\[(\d+)\]")


def keep_usable(draft: Draft, model: type[CommonRequest], context: Context) -> None:
    """Remove from the draft's request each value that this host would refuse, and note it with the reason.

    Args:
        model: the host's request model.
    """
    errors: list[FieldError] = []
    for _ in range(MAX_ROUNDS):
        errors = _errors(draft.request, model, context)
        if not errors:
            return
        by_place = {_place(error): error for error in reversed(errors)}
        removed = [
            _remove(draft, by_place[place]) for place in sorted(by_place, reverse=True)
        ]  # a list's last item first
        if not any(removed):
            break
    draft.warn(f"this host refuses the request: {errors[0].field}: {errors[0].message}")


def _errors(request: Mapping[str, Any], model: type[CommonRequest], context: Context) -> list[FieldError]:
    try:
        body = model.model_validate(request)
    except ValidationError as error:
        return [field_error(item) for item in error.errors()]
    body, errors = with_size(body, context.host.catalog.names("aspect_ratios"))
    try:
        check(with_listed_names(body, context), context, found=errors)
    except InvalidFields as invalid:
        return invalid.errors
    return []


def _place(error: FieldError) -> tuple[str, int]:
    item = _ITEM.match(error.field)
    return (item[1], int(item[2])) if item else (error.field, -1)


def _remove(draft: Draft, error: FieldError) -> bool:
    """Remove a field, or an item of a list, and note it. Return whether the request had it."""
    name, index = _place(error)
    name = name.partition(".")[0]
    value = draft.request.get(name)
    if value is None:
        return False
    if index >= 0 and isinstance(value, list) and index < len(value):
        draft.leave_out(name, value[index], error.message)
        draft.request[name] = [item for number, item in enumerate(value) if number != index]
        return True
    draft.leave_out(name, value, error.message)
    del draft.request[name]
    return True
