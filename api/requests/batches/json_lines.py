"""JSON Lines: each line is a request, with or without OpenAI's envelope `{"custom_id", "body"}`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ....asgi.error_codes import FieldErrorCode
from ...responses.problems import FieldError, Problem
from ..json_body import read_json
from ..parameter_names import unknown_name
from .row_errors import LONG_REMEDY, RawRow, check_number

MAX_LINE_BYTES = 64 * 2**10
BLANK = b" \t\r\xef\xbb\xbf"
"""Bytes of a blank line, those of a byte order mark among them."""
ENVELOPE = ("custom_id", "body", "method", "url")
"""Members of an envelope; `method` and `url` are ignored."""


def json_lines(body: bytes | bytearray) -> Iterator[RawRow]:
    """Return the rows of a file, which are counted before any is read; blank lines are skipped.

    Raises:
        Problem: 413, there are too many.
    """
    check_number(sum(1 for text in _lines(body) if text.strip(BLANK)))
    return _rows(body)


def _rows(body: bytes | bytearray) -> Iterator[RawRow]:
    number = 0
    for line, text in enumerate(_lines(body), 1):
        if not text.strip(BLANK):
            continue
        number += 1
        yield _row(number, line, text)


def _lines(body: bytes | bytearray) -> Iterator[bytes]:
    start = 0
    while start < len(body):
        end = body.find(b"\n", start)
        end = len(body) if end < 0 else end
        yield bytes(body[start:end])
        start = end + 1


def _row(number: int, line: int, text: bytes) -> RawRow:
    if len(text) > MAX_LINE_BYTES:
        message = f"is longer than {MAX_LINE_BYTES // 2**10} KiB; {LONG_REMEDY}"
        return _invalid(number, line, "row", FieldErrorCode.TOO_LONG, message)
    try:
        content = read_json(text)
    except Problem as error:
        reason = error.detail.removeprefix("body: ").removeprefix("body ")
        return _invalid(number, line, "row", FieldErrorCode.INVALID_JSON, reason)
    if not isinstance(content, dict):
        return _invalid(
            number, line, "row", FieldErrorCode.WRONG_TYPE, "must be a JSON object, the body of a generate request"
        )
    return _unwrapped(number, line, content)


def _unwrapped(number: int, line: int, content: dict[str, Any]) -> RawRow:
    custom_id = content.pop("custom_id", None)
    if custom_id is not None and not isinstance(custom_id, str):
        return _invalid(number, line, "custom_id", FieldErrorCode.WRONG_TYPE, "must be a text")
    if "body" not in content:
        return RawRow(number, line, content, custom_id)
    values = content["body"]
    errors = [unknown_name(name, ENVELOPE, "member") for name in content if name not in ENVELOPE]
    if not isinstance(values, dict):
        errors.append(FieldError(field="body", code=FieldErrorCode.WRONG_TYPE, message="must be a JSON object"))
        values = {}
    return RawRow(number, line, values, custom_id, tuple(errors))


def _invalid(number: int, line: int, field: str, code: FieldErrorCode, message: str) -> RawRow:
    return RawRow(number, line, errors=(FieldError(field=field, code=code, message=message),))
