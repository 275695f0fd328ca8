"""Converts values in files to their types. No value is evaluated as code: it may come from anybody."""

from __future__ import annotations

import json
import math
import re
import sys
from typing import Any

MAX_ITEMS = 400
"""Entries of one list."""
MAX_DEPTH = 12
"""Lists and objects inside each other. Deeper ones are left out."""
MAX_LIST_LENGTH = 8192
"""Characters of a list of names that is written as a text."""
MAX_NAME_LENGTH = 300
MAX_NUMBERS_LENGTH = 100
"""Characters of a list of numbers that is written as a text."""
MAX_DIGITS = 25
"""Digits of a whole number. The largest seed has 19."""
_NUMBER = r"[-+]?(?:\d{1,25}(?:\.\d{0,25})?|\.\d{1,25})(?:[eE][-+]?\d{1,3})?"
_NUMBERS = re.compile(rf"(?:[(\[]\s*)?({_NUMBER}(?:\s*[,;xX×*]\s*{_NUMBER}){{0,7}})(?:\s*,)?(?:\s*[)\]])?")
"""No two parts of it match the same spaces, so that a hostile text is refused in linear time."""
_QUOTED = re.compile(r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\"""", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_LETTERS = {"n": "\n", "r": "\r", "t": "\t"}
_BETWEEN = ", \n\t"
"""Characters between the names of a list."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class WrongValue(ValueError):
    """The value has another type. The message completes "the value"."""


def json_of(text: str) -> Any:
    """Parse JSON. Numbers of too many digits, and numbers that are not finite, become texts.

    Raises:
        ValueError: the text is not JSON, or nested too deeply.
    """
    try:
        return clean(DECODER.decode(text))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def clean(value: Any, depth: int = MAX_DEPTH) -> Any:
    """Return a value of JSON without what no answer can hold: halves of surrogate pairs, control characters, deep nesting."""
    if isinstance(value, str):
        return _CONTROL.sub("", _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", value.replace("\r\n", "\n")))
    if isinstance(value, list | dict) and not depth:
        return "…"
    if isinstance(value, list):
        return [clean(item, depth - 1) for item in value]
    if isinstance(value, dict):
        return {clean(key): clean(item, depth - 1) for key, item in value.items()}
    return value


def text(value: Any) -> str:
    """Return a text.

    Raises:
        WrongValue: the value is a list, an object or null.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongValue("is not a text")
    return str(value)


def name(value: Any) -> str:
    """Return a name: a text of at most `MAX_NAME_LENGTH` characters without spaces around it, which is not empty.

    Raises:
        WrongValue: the value is not such a text.
    """
    found = text(value).strip()
    if not found:
        raise WrongValue("is empty")
    if len(found) > MAX_NAME_LENGTH:
        raise WrongValue(f"is longer than {MAX_NAME_LENGTH} characters")
    return found


def number(value: Any) -> float:
    """Return a finite number, given as a number or as its digits.

    Raises:
        WrongValue: the value is not a number.
    """
    if isinstance(value, str) and re.fullmatch(rf"\s*{_NUMBER}\s*", value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise WrongValue("is not a number")
    return value


def whole(value: Any) -> int:
    """Return a whole number.

    Raises:
        WrongValue: the value is not a whole number.
    """
    found = number(value)
    if found != int(found):
        raise WrongValue("is not a whole number")
    return int(found)


def digits(value: Any) -> str:
    """Return a seed's digits.

    Raises:
        WrongValue: the value is not a whole number of at most `MAX_DIGITS` digits.
    """
    found = value.strip() if isinstance(value, str) else str(value) if type(value) is int else ""
    if not re.fullmatch(rf"-?[0-9]{{1,{MAX_DIGITS}}}", found):
        raise WrongValue("is not a whole number")
    return str(int(found))


def numbers(value: Any) -> list[float]:
    """Return a list of numbers, given as a list or as Python writes a tuple: `(1.5, 0.8, 0.3)`.

    Raises:
        WrongValue: the value is not such a list.
    """
    if isinstance(value, list):
        return [number(item) for item in value[:MAX_ITEMS]]
    found = _NUMBERS.fullmatch(value.strip()[:MAX_NUMBERS_LENGTH]) if isinstance(value, str) else None
    if found is None:
        raise WrongValue("is not a list of numbers")
    return [number(item) for item in re.findall(_NUMBER, found[1])]


def several(count: int, value: Any) -> list[float]:
    """Return exactly `count` numbers.

    Raises:
        WrongValue: the value is not such a list.
    """
    found = numbers(value)
    if len(found) != count:
        raise WrongValue(f"is not a list of {count} numbers")
    return found


def size(value: Any) -> tuple[int, int]:
    """Return a width and a height in pixels: `(1152, 896)`, `1152x896` or a list.

    Raises:
        WrongValue: the value is not a size.
    """
    width, height = several(2, value)
    if width != int(width) or height != int(height) or width < 1 or height < 1:
        raise WrongValue("is not a size in pixels")
    return int(width), int(height)


def names(value: Any) -> list[str]:
    """Return a list of texts, given as a list or as Python or JSON write one: `['A', "B"]`.

    Raises:
        WrongValue: the value is not such a list.
    """
    if isinstance(value, str):
        value = _names_in(value)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise WrongValue("is not a list of names")
    return value[:MAX_ITEMS]


def lines(value: Any) -> list[str]:
    """Return a list of texts; a single text is the only one of its list.

    Raises:
        WrongValue: the value is neither.
    """
    return [value] if isinstance(value, str) else names(value)


def _names_in(written: str) -> list[str] | None:
    inner = written.strip()
    if len(inner) > MAX_LIST_LENGTH:
        return None
    if not (inner.startswith("[") and inner.endswith("]")):
        return [part.strip() for part in inner.split(",")] if inner else []
    found: list[str] = []
    at, end = 1, len(inner) - 1
    while True:
        while at < end and inner[at] in _BETWEEN:
            at += 1
        if at == end:
            return found
        match = _QUOTED.match(inner, at, end)
        if match is None:
            return None
        found.append(_ESCAPE.sub(_unescaped, match[1] if match[1] is not None else match[2]))
        at = match.end()


def _unescaped(escape: re.Match[str]) -> str:
    """Return the character of an escape in a text of Python or JSON: Python writes an ideographic space as one."""
    number = escape[1] or escape[2] or escape[3]
    if number is None:
        return _LETTERS.get(escape[4], escape[4])
    return chr(int(number, 16)) if int(number, 16) <= sys.maxunicode else escape[0]


def _whole(written: str) -> int | str:
    return int(written) if len(written) <= MAX_DIGITS else written


def _finite(written: str) -> float | str:
    found = float(written)
    return found if math.isfinite(found) else written


DECODER = json.JSONDecoder(parse_int=_whole, parse_float=_finite, parse_constant=str)
"""Decoder of JSON from anybody: a number of a million digits takes no time."""
