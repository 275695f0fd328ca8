"""Checks the header of a safetensors file, which describes every byte of it: a truncated or foreign file does not match."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

MAX_HEADER_BYTES = 8 * 2**20
"""Bytes of the header that are parsed. Headers of SDXL checkpoints have half a megabyte, those of the largest models some."""
MAX_SIGNS = 1_000_000
"""Commas, brackets and quotes of the header: their number determines the memory that it takes. Each tensor has 18."""
LENGTH_BYTES = 8
MAX_DIGITS = 20
MAX_DIMENSIONS = 16
BITS = {
    name: bits
    for bits, names in {
        8: ("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "F8_E8M0"),
        16: ("I16", "U16", "F16", "BF16"),
        32: ("I32", "U32", "F32"),
        64: ("I64", "U64", "F64", "C64"),
    }.items()
    for name in names
}
"""Type of a tensor → bits of each value. The size of a tensor of another type is not checked."""


class InvalidHeader(Exception):
    """The file is not a complete safetensors file; the message continues the sentence after its name."""


def check_header(path: Path) -> None:
    """Check that a file is a complete safetensors file. Only its header is read.

    Raises:
        InvalidHeader: it is not.
        OSError: it can't be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(LENGTH_BYTES)
        length = int.from_bytes(start, "little")
        if len(start) < LENGTH_BYTES or not 2 <= length <= size - LENGTH_BYTES:
            raise InvalidHeader("is not a safetensors file, or it is truncated")
        if length > MAX_HEADER_BYTES:
            raise InvalidHeader(f"has a header of more than {MAX_HEADER_BYTES // 2**20} MiB")
        text = file.read(length)
    if text[:1] != b"{":
        raise InvalidHeader("is not a safetensors file")
    if sum(text.count(sign) for sign in b',[{"') > MAX_SIGNS:
        raise InvalidHeader("has a header of too many values")
    try:
        header = json.loads(text, parse_int=_number)
    except (ValueError, RecursionError) as error:
        raise InvalidHeader("has a header that is not JSON") from error
    _check_tensors(header, size - LENGTH_BYTES - length)


def _number(digits: str) -> int:
    """Parse a number of 64 bits: older Pythons take minutes for one of a million digits."""
    if len(digits) > MAX_DIGITS:
        raise ValueError("a number is too long")
    return int(digits)


def _check_tensors(header: dict[str, Any], data_bytes: int) -> None:
    spans = sorted(_span(name, tensor) for name, tensor in header.items() if name != "__metadata__")
    if not spans:
        raise InvalidHeader("has no tensors")
    end = 0
    for begin, until in spans:
        if begin != end:
            raise InvalidHeader("has gaps or overlaps between its tensors")
        end = until
    if end != data_bytes:
        raise InvalidHeader(
            f"has {data_bytes} bytes of tensors, and its header describes {end}; it is truncated or broken"
        )


def _span(name: str, tensor: Any) -> tuple[int, int]:
    """Return where a tensor's bytes begin and end."""
    try:
        shape, (begin, end), bits = tensor["shape"], tensor["data_offsets"], BITS.get(tensor["dtype"])
        whole = all(type(number) is int and number >= 0 for number in (*shape, begin, end))
        whole = whole and len(shape) <= MAX_DIMENSIONS
    except (TypeError, ValueError, KeyError) as error:
        raise InvalidHeader(f"describes the tensor {name[:80]!r} incorrectly") from error
    if not whole or begin > end or (bits is not None and math.prod(shape) * bits != (end - begin) * 8):
        raise InvalidHeader(f"describes the tensor {name[:80]!r} incorrectly")
    return begin, end
