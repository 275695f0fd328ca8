"""CSV as spreadsheets write it: the first line names fields, each further line is a request. An empty cell is not given."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from ....asgi.error_codes import FieldErrorCode
from ....asgi.problem import shortened
from ...responses.problems import FieldError, Problem
from ..json_body import read_json
from ..parameter_names import unknown_name
from .json_lines import MAX_LINE_BYTES
from .row_errors import LONG_REMEDY, RawRow, check_number, invalid_row

DELIMITERS = ",;\t"
MAX_COLUMNS = 256
MAX_RECORD_LENGTH = 3 * MAX_LINE_BYTES
"""Characters of a record of MAX_LINE_BYTES with its delimiters and its quotation marks, which may be doubled."""
CUSTOM_ID = "custom_id"
SEPARATOR = "|"
"""Separates the texts of a list in a cell that holds no JSON."""
_LINE_END = re.compile(r"\r\n|\r|\n")
_SHORTENED = re.compile(r"[-+]?\d+(?:[.,]\d+)?[eE]\+?\d+")
_COMMA = re.compile(r"[-+]?\d+,\d+")


def csv_rows(body: bytes | bytearray, encoding: str, model: type[BaseModel]) -> Iterator[RawRow]:
    """Return the rows of a file whose columns are fields of `model`, and `custom_id`. They are counted before any is read.

    Raises:
        Problem: 413, there are too many; 422, the file or, with the rows, its header can't be read, or a quotation mark is not
            closed.
    """
    text = _decoded(body, encoding)
    first, _, rest = text.partition("\n")
    skipped, delimiter = 0, None
    if (found := re.fullmatch(r"sep=([,;\t])\r?", first)) is not None:  # a spreadsheet's own declaration
        text, skipped, delimiter = rest, 1, found[1]
    delimiter = delimiter or _delimiter(text)
    check_number(_count(text, delimiter))
    return _rows(text, delimiter, skipped, model)


def _count(text: str, delimiter: str) -> int:
    """Return the number of rows, up to the first one that can't be read."""
    lines = _Lines(text)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    records = 0
    while True:
        lines.begin(MAX_RECORD_LENGTH)
        try:
            cells = next(reader)
        except (StopIteration, _TooLong, csv.Error):
            return max(0, records - 1)
        records += not records or any(cell.strip() for cell in cells)


def _rows(text: str, delimiter: str, skipped: int, model: type[BaseModel]) -> Iterator[RawRow]:
    lines = _Lines(text)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    kinds = {name: field.annotation for name, field in model.model_fields.items()}
    number, columns = 0, None
    while True:
        line = reader.line_num + 1 + skipped
        lines.begin(MAX_LINE_BYTES if columns is None else MAX_RECORD_LENGTH)
        try:
            cells = next(reader)
        except StopIteration:
            break
        except _TooLong as error:
            message = f"is longer than {MAX_LINE_BYTES // 2**10} KiB; {LONG_REMEDY}"
            row = number if columns is None else number + 1
            raise invalid_row(row, line, "row", FieldErrorCode.TOO_LONG, message) from error
        except csv.Error as error:
            message = f"can't be read as CSV: {_plain(error)}; check its quotation marks"
            raise invalid_row(number + 1, line, "row", FieldErrorCode.INVALID_FORMAT, message) from error
        if columns is None:
            columns = _columns(cells, [*kinds, CUSTOM_ID], line)
        elif any(cell.strip() for cell in cells):
            number += 1
            yield _row(number, line, cells, columns, kinds)
    if columns is None:
        raise invalid_row(
            0, 1, "row", FieldErrorCode.REQUIRED, "the file is empty; its first line must name the columns"
        )


class _TooLong(Exception):
    """The record is longer than allowed."""


class _Lines:
    """The lines of a text with their ends, of which one record takes a limited number of characters."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = self._left = 0

    def begin(self, limit: int) -> None:
        """Begin a record of at most `limit` characters."""
        self._left = limit

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        begin = self._at
        if begin == len(self._text):
            raise StopIteration
        # A search through megabytes would hold up all threads.
        found = _LINE_END.search(self._text, begin, begin + self._left + 1)
        self._at = found.end() if found is not None else len(self._text)
        self._left -= self._at - begin
        if self._left < 0:
            raise _TooLong
        return self._text[begin : self._at]


def _decoded(body: bytes | bytearray, encoding: str) -> str:
    try:
        text = body.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeError as error:
        line = body[: getattr(error, "start", 0)].count(b"\n") + 1
        message = f"is not {encoding.upper()}; save the file as 'CSV UTF-8', or name its encoding, as in ?encoding=gbk"
        raise invalid_row(max(line - 1, 0), line, "row", FieldErrorCode.INVALID_FORMAT, message) from error
    if "\x00" in text:
        line = text[: text.index("\x00")].count("\n") + 1
        message = "contains a NUL character; save the file as 'CSV UTF-8', or name its encoding, as in ?encoding=utf-16"
        raise invalid_row(max(line - 1, 0), line, "row", FieldErrorCode.INVALID_FORMAT, message)
    return text


def _delimiter(text: str) -> str:
    """Return the sign that separates the names in the header."""
    header = re.sub(r'"[^"]*"', "", text[:MAX_LINE_BYTES].partition("\n")[0])
    return max(DELIMITERS, key=header.count)


def _columns(cells: list[str], known: list[str], line: int) -> list[str]:
    """Return the header's names.

    Raises:
        Problem: 422, a name is unknown or given twice, or there are too many.
    """
    names = [re.sub(r"\s+", "_", cell.strip().casefold()) for cell in cells]
    while names and not names[-1]:
        names.pop()
    if not names or len(names) > MAX_COLUMNS:
        message = f"has {len(names)} columns; 1 to {MAX_COLUMNS} are allowed"
        raise invalid_row(0, line, "row", FieldErrorCode.WRONG_COUNT, message)
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        message = "column is given more than once; keep one of them"
        raise invalid_row(0, line, shortened(twice[0]), FieldErrorCode.DUPLICATE, message)
    for name in names:
        if name not in known:
            error = unknown_name(name, known, "column")
            raise invalid_row(0, line, error.field, error.code, error.message)
    return names


def _row(number: int, line: int, cells: list[str], columns: list[str], kinds: dict[str, Any]) -> RawRow:
    size = sum(len(cell.encode()) for cell in cells)
    if size > MAX_LINE_BYTES:
        message = f"is longer than {MAX_LINE_BYTES // 2**10} KiB; {LONG_REMEDY}"
        return RawRow(number, line, errors=(_error("row", FieldErrorCode.TOO_LONG, message),))
    if any(cells[len(columns) :]):
        message = (
            f"has {len(cells)} cells, but the header has {len(columns)} columns; quote cells that contain the delimiter"
        )
        return RawRow(number, line, errors=(_error("row", FieldErrorCode.WRONG_COUNT, message),))
    values: dict[str, Any] = {}
    errors: list[FieldError] = []
    for name, cell in zip(columns, cells, strict=False):
        if cell.strip():
            value = cell.strip() if name == CUSTOM_ID else _value(name, cell, kinds[name])
            if isinstance(value, FieldError):
                errors.append(value)
            else:
                values[name] = value
    custom_id = values.pop(CUSTOM_ID, None)
    return RawRow(number, line, values, custom_id, tuple(errors))


def _value(name: str, cell: str, kind: Any) -> Any:
    """Return a cell's value, or the error in it. Texts stay as they are, and the model reads numbers."""
    text = cell.strip()
    if get_origin(kind) is list:
        return _list(name, text, get_args(kind)[0])
    if get_origin(kind) is dict:
        return _json(name, text)
    if kind in (int, float):
        if kind is int and _SHORTENED.fullmatch(text):
            message = (
                f"{shortened(text)} was shortened by a spreadsheet; format the column as text, and enter all digits"
            )
            return _error(name, FieldErrorCode.INVALID_FORMAT, message)
        if _COMMA.fullmatch(text):
            message = f"{shortened(text)} has a decimal comma; write a point"
            return _error(name, FieldErrorCode.INVALID_FORMAT, message)
        return text
    return text if kind is bool else cell


def _list(name: str, text: str, kind: Any) -> Any:
    if text.startswith(("[", "{")):
        return _json(name, text)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return _error(name, FieldErrorCode.INVALID_JSON, 'must be a JSON list of objects, as in [{"model_name": "…"}]')
    return [part.strip() for part in text.split(SEPARATOR)]


def _json(name: str, text: str) -> Any:
    try:
        return read_json(text.encode())
    except Problem as error:
        return _error(name, FieldErrorCode.INVALID_JSON, error.detail.removeprefix("body: ").removeprefix("body "))


def _error(field: str, code: FieldErrorCode, message: str) -> FieldError:
    return FieldError(field=field, code=code, message=message)


def _plain(error: csv.Error) -> str:
    text = str(error)
    return "a cell is too long" if "field limit" in text else text
