"""Checks the rows of a batch by the code that checks a generate request. Off the event loop, as it takes seconds."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request
from pydantic import ValidationError

from ....asgi.error_codes import FieldErrorCode
from ....auth.keys import Scope
from ....tasks.batches.model import NewRow
from ....tasks.model.task import TaskError
from ....tasks.ports.engine import ParameterError
from ...context import Context
from ...responses.problems import FieldError, InvalidFields, field_error
from ...schemas.generate import CommonRequest
from ...security.authorization import access_of
from ...validation.known_names import one_refresh
from ..fields.ignored import NOTE, notes_of, unknown_fields
from ..preparation import prepare_with
from ..repeated_task import RepeatedTasks
from .images import BatchImages
from .row_errors import RawRow, RowErrors, sentence_of
from .similar_rows import SimilarRows

LOWEST_PRIORITY = -10
CUSTOM_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
ANSWERS = ("stream_output", "async_process", "require_base64")
"""Fields about the form of a response, which a row does not have: they are ignored."""
TURN_S = 0.005
"""Seconds of checks after which the threads that answer requests get their turn."""
PAUSE_S = 0.0005
MAX_UNKNOWN = 5
"""Unknown fields of one row that are named: a search for similar names takes a millisecond."""
WEBHOOK = "is not for rows; a batch has one webhook, the query parameter webhook_url"


@dataclass
class RowChecker:
    """Turns raw rows into rows to store. `invalid` collects the errors of the others."""

    context: Context
    request: Request
    model: type[CommonRequest]
    images: BatchImages
    all_rows: bool
    """True if rows behind many invalid ones are checked, too."""
    invalid: RowErrors = field(default_factory=RowErrors)
    _ids: set[str] = field(default_factory=set)
    _repeated: RepeatedTasks = field(init=False)
    _similar: SimilarRows = field(init=False)

    def __post_init__(self) -> None:
        self._similar = SimilarRows(self.model)
        self._repeated = RepeatedTasks(self.context, self.request)

    def check(self, rows: Iterable[RawRow]) -> list[NewRow]:
        """Return the rows, invalid ones as failed.

        Raises:
            Problem: the key lacks the scope for a row's priority.
        """
        with one_refresh():
            return list(self._checked(rows))

    def _checked(self, rows: Iterable[RawRow]) -> Iterator[NewRow]:
        since = time.monotonic()
        for row in rows:
            errors = [*row.errors, *self._id_errors(row)]
            new = None if errors else self._prepared(row, errors)
            if new is None:
                self.invalid.add(row, errors)
                if not self.all_rows and self.invalid.stop_if_full():
                    return
                error = TaskError("InvalidRow", sentence_of(errors))
                new = NewRow(row.number, _usable(row.custom_id) or str(row.number), error=error)
            yield new
            if time.monotonic() - since > TURN_S:
                time.sleep(PAUSE_S)
                since = time.monotonic()

    def _id_errors(self, row: RawRow) -> Iterator[FieldError]:
        custom_id = row.custom_id if row.custom_id is not None else str(row.number)
        if _usable(custom_id) is None:
            message = "must have 1 to 64 of the characters A-Z, a-z, 0-9, '.', '_' and '-'"
            yield FieldError(field="custom_id", code=FieldErrorCode.INVALID_FORMAT, message=message)
        elif custom_id in self._ids:
            message = f"{custom_id} is the id of an earlier row, too; give each row another"
            yield FieldError(field="custom_id", code=FieldErrorCode.DUPLICATE, message=message)
        self._ids.add(custom_id[:65])

    def _prepared(self, row: RawRow, errors: list[FieldError]) -> NewRow | None:
        """Return a valid row; otherwise add its errors."""
        values = {name: value for name, value in row.values.items() if name not in ANSWERS}
        reading = self._similar.reading(values)
        if reading is not None and (like := self._similar.prepared(reading, row)) is not None:
            return like
        new = self._checked_whole(row, values, errors)
        if reading is not None and new is not None:
            self._similar.keep(reading, new)
        return new

    def _checked_whole(self, row: RawRow, values: dict[str, Any], errors: list[FieldError]) -> NewRow | None:
        try:
            body = self.model.model_validate({"priority": LOWEST_PRIORITY, **values})
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False)
            errors += [field_error({**item, "loc": ("body", *item["loc"])}) for item in found]
            return None
        errors += _unknown(body)
        if body.webhook_url:
            errors.append(FieldError(field="webhook_url", code=FieldErrorCode.UNSUPPORTED, message=WEBHOOK))
        if errors:
            return None
        if body.priority > 0:
            access_of(self.request).require(Scope.CONTROL)
        try:
            body = self._repeated.checked(body)
            prepared = prepare_with(self.images, body, self.context, self.request)
            if not self.images.has_new:  # it looks for the files; the row's start checks again
                self.context.services.submissions.check(prepared.parameters)
        except InvalidFields as error:
            errors += error.errors
            return None
        except ParameterError as error:
            errors.append(FieldError(field=error.field or "row", code=FieldErrorCode.REFUSED, message=str(error)))
            return None
        files = self.context.services.submissions.noted(prepared.downloads)
        notes: dict[str, Any] = {NOTE: prepared.ignored} if prepared.ignored else {}
        number = prepared.parameters["image_number"]
        return NewRow(row.number, row.custom_id or str(row.number), prepared.parameters, files, notes, number)


def _usable(custom_id: str | None) -> str | None:
    return custom_id if custom_id is not None and CUSTOM_ID.fullmatch(custom_id) else None


def _unknown(body: CommonRequest) -> Iterator[FieldError]:
    for one in notes_of(unknown_fields(body)[:MAX_UNKNOWN], ()):
        remedy = f"did you mean {one['use']}?" if one["use"] else "omit it"
        allowed = [one["use"]] if one["use"] else None
        message = f"unknown field; {remedy}"
        yield FieldError(field=one["path"], code=FieldErrorCode.UNKNOWN_FIELD, message=message, allowed=allowed)
