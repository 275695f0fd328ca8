"""Rows as they were read, and the errors in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ....asgi.error_codes import ErrorCode, FieldErrorCode
from ...responses.problems import FieldError, Problem

MAX_ROW_ERRORS = 100
"""Errors in one response."""
MAX_ROWS = 10_000
MAX_LINES = 10 * MAX_ROWS
MAX_IN_DETAIL = 3
LONG_REMEDY = "upload images to /inputs, and give their URLs"


@dataclass(frozen=True)
class RawRow:
    """A row before its check: its number from 1, its line in the file (None without a file), its members and its errors."""

    number: int
    line: int | None
    values: dict[str, Any] = field(default_factory=dict)
    custom_id: str | None = None
    errors: tuple[FieldError, ...] = ()


class RowErrors:
    """Errors of rows, of which the first MAX_ROW_ERRORS are kept."""

    def __init__(self) -> None:
        self.rows = 0
        """The number of invalid rows."""
        self.is_cut_short = False
        """True if the rows behind the last error were not checked."""
        self._entries: list[dict[str, Any]] = []

    def add(self, row: RawRow, errors: Iterable[FieldError]) -> None:
        """Add the errors of one row."""
        self.rows += 1
        for error in errors:
            if len(self._entries) < MAX_ROW_ERRORS:
                place = {"row": row.number} if row.line is None else {"row": row.number, "line": row.line}
                column = error.field.partition("[")[0].partition(".")[0]
                self._entries.append({**place, "column": column, **error.model_dump(exclude_none=True)})

    def stop_if_full(self) -> bool:
        """Return whether enough errors are known, so that the rows behind them need no check."""
        self.is_cut_short = len(self._entries) >= MAX_ROW_ERRORS
        return self.is_cut_short

    def problem(self) -> Problem:
        """Return the 422 that names the errors."""
        shown = [f"row {one['row']}, {one['field']}: {one['message']}" for one in self._entries[:MAX_IN_DETAIL]]
        rows = "1 row is invalid" if self.rows == 1 else f"{self.rows} rows are invalid"
        rows = f"at least {rows}" if self.is_cut_short else rows
        detail = f"{rows}, nothing is queued: {'; '.join(shown)}"
        return Problem(ErrorCode.INVALID_ROWS, detail, errors=self._entries, invalid_rows=self.rows)


def sentence_of(errors: Iterable[FieldError]) -> str:
    """Return the errors of one row in a sentence."""
    return "; ".join(f"{error.field}: {error.message}" for error in errors)


def invalid_row(row: int, line: int | None, column: str, code: FieldErrorCode, message: str) -> Problem:
    """Return the 422 for an error after which the rest can't be read."""
    errors = RowErrors()
    errors.add(RawRow(row, line), [FieldError(field=column, code=code, message=message)])
    return errors.problem()


def check_lines(body: bytes | bytearray) -> None:
    """Refuse a file of too many lines, blank ones and those within quotation marks included.

    Raises:
        Problem: 413, there are too many.
    """
    if body.count(b"\n") + body.count(b"\r") - body.count(b"\r\n") > MAX_LINES:
        detail = f"batch has more than {MAX_LINES:,} lines; at most {MAX_ROWS:,} rows are allowed, remove blank lines"
        raise Problem(ErrorCode.PAYLOAD_TOO_LARGE, detail)


def check_number(rows: int) -> None:
    """Refuse a batch of too many rows.

    Raises:
        Problem: 413, there are too many.
    """
    if rows > MAX_ROWS:
        detail = f"batch has {rows:,} rows; at most {MAX_ROWS:,} are allowed, send several batches"
        raise Problem(ErrorCode.PAYLOAD_TOO_LARGE, detail)
