"""Sizes in requests: parses aspect ratios in any notation, and decides between a request's size and a preset's."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

from ...asgi.error_codes import FieldErrorCode
from ...asgi.problem import shortened
from ..responses.problems import FieldError
from ..schemas.generate import CommonRequest
from .nearest_names import nearest

RATIO = "aspect_ratios_selection"
WIDTH, HEIGHT = SIDES = ("overwrite_width", "overwrite_height")
FIELDS = frozenset({RATIO, *SIDES})
MIN_SIDE = 64
"""Pixels of a side, the minimum that Fooocus can generate."""
MAX_SIDE = 2048
STEP = 8
"""Pixels. Fooocus rounds sides down to a multiple of this."""
AREA = 1024 * 1024
"""Pixels of an image that SDXL generates best."""
GRID = 64
MAX_LENGTH = 1000
"""Characters of a size, with the markup of the WebUI's label."""
MAX_LOG_DIFFERENCE = 0.05
"""Maximum difference, in natural logarithm, for a listed ratio to replace the requested one."""

_TIMES = "*xX×✕✖⨯хХ"  # signs of keyboards and the WebUI, including Cyrillic letters
_SIZE = re.compile(
    rf"(\d{{1,5}})(?:\.0+)?\s*(?:px\s*)?(?:[{_TIMES}]|by)\s*(\d{{1,5}})(?:\.0+)?\s*(?:px\s*)?(?:[<(\[|∣].*)?",
    re.DOTALL | re.ASCII | re.IGNORECASE,
)
_PROPORTION = re.compile(r"(\d{1,5}(?:\.\d{1,5})?)\s*[:∶/]\s*(\d{1,5}(?:\.\d{1,5})?)", re.ASCII)
_NOT_SET = frozenset({"", "none", "null"})


def with_size(body: CommonRequest, listed: Sequence[str]) -> tuple[CommonRequest, list[FieldError]]:
    """Return the body with its size in the host's terms, and an error for each field with an invalid size.

    The size is a listed ratio, or one or both sides in `overwrite_…`. A ratio that the host does not list becomes a width and
    a height; the request's own sides take precedence.
    """
    change: dict[str, Any] = {side: -1 for side in SIDES if getattr(body, side) == 0}
    errors = list(_too_small(body))
    written, usual = getattr(body, RATIO), default_of(body, RATIO)
    if written.strip().lower() in _NOT_SET:
        change[RATIO] = written = usual
    if written != usual and written not in listed:
        size = size_of(written, listed)
        name = _listed_as(size, listed) if size is not None else None
        change[RATIO] = name or usual
        if size is None:
            errors.append(
                _wrong(
                    FieldErrorCode.INVALID_FORMAT,
                    written,
                    "is not a size; write it as 1024*1280, or as a ratio, as in 16:9",
                    listed,
                )
            )
        elif name is None and not all(_rounded(side) >= MIN_SIDE and side <= MAX_SIDE for side in size):
            errors.append(
                _wrong(
                    FieldErrorCode.OUT_OF_RANGE,
                    written,
                    f"has a side that is not {MIN_SIDE} to {MAX_SIDE} pixels",
                    listed,
                )
            )
        elif name is None:
            change.update({side: own for side, own in zip(SIDES, size, strict=True) if getattr(body, side) <= 0})
    return (body.model_copy(update=change) if change else body), errors


def without_size_if_sent(body: CommonRequest, preset: dict[str, Any], sent: CommonRequest) -> dict[str, Any]:
    """Return a preset's values, without its size if the request has its own in any notation.

    The default, in the host's spelling or as the WebUI's label, does not count as the request's own: an untouched form sends it.
    """
    untouched = getattr(sent, RATIO) == default_of(body, RATIO) or "<" in getattr(sent, RATIO)
    has_own_ratio = not untouched or getattr(body, RATIO) != default_of(body, RATIO)
    is_overridden = has_own_ratio or all(getattr(body, side) > 0 for side in SIDES)
    return {field: value for field, value in preset.items() if field not in FIELDS} if is_overridden else preset


def size_of(text: str, listed: Sequence[str]) -> tuple[int, int] | None:
    """Parse a size or a ratio into width and height, None if the text is neither.

    A ratio gives the nearest listed size within `MAX_LOG_DIFFERENCE`, else a size with an area of about `AREA`.
    """
    if len(text) > MAX_LENGTH:
        return None
    text = unicodedata.normalize("NFKC", text).strip()  # converts the full-width digits and signs of Chinese keyboards
    size = _SIZE.fullmatch(text)
    proportion = _PROPORTION.fullmatch(text)
    if size is not None and max(int(size[1]), int(size[2])) < MIN_SIDE and "*" not in text:
        size, proportion = None, size  # 16x9 does not mean pixels
    elif proportion is not None and min(float(proportion[1]), float(proportion[2])) >= MIN_SIDE:
        size = proportion  # 1024/1280
    if size is not None:
        return int(float(size[1])), int(float(size[2]))
    if proportion is None or not float(proportion[1]) or not float(proportion[2]):
        return None
    ratio = float(proportion[1]) / float(proportion[2])
    sizes = [sides for name in listed if (sides := _sides(name)) is not None]
    best = min(sizes, key=lambda size: abs(math.log(size[0] / size[1] / ratio)), default=None)
    if best is not None and abs(math.log(best[0] / best[1] / ratio)) <= MAX_LOG_DIFFERENCE:
        return best
    width = math.sqrt(AREA * ratio)
    return round(width / GRID) * GRID, round(width / ratio / GRID) * GRID


def default_of(body: CommonRequest, field: str) -> Any:
    """Return the default of a field in the running host's model."""
    return type(body).model_fields[field].get_default(call_default_factory=True)


def _wrong(code: FieldErrorCode, written: str, problem: str, listed: Sequence[str]) -> FieldError:
    allowed = nearest(written, listed, many=5, cutoff=0.3)
    return FieldError(field=RATIO, code=code, message=f"{shortened(written)!r} {problem}", allowed=allowed)


def _too_small(body: CommonRequest) -> Iterator[FieldError]:
    for side in SIDES:
        value = getattr(body, side)
        if value > 0 and side in body.model_fields_set and _rounded(value) < MIN_SIDE:
            message = f"{value} is too small; use {MIN_SIDE} to {MAX_SIDE}, or -1 for the aspect ratio's"
            yield FieldError(field=side, code=FieldErrorCode.OUT_OF_RANGE, message=message)


def _rounded(side: int) -> int:
    return side // STEP * STEP


def _listed_as(size: tuple[int, int], listed: Sequence[str]) -> str | None:
    return next((name for name in listed if _sides(name) == size), None)


def _sides(name: str) -> tuple[int, int] | None:
    match = _SIZE.fullmatch(name.strip())
    size = (int(match[1]), int(match[2])) if match else None
    return size if size is not None and all(size) else None
