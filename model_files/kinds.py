"""Kinds of model files, by the endings of their names."""

from __future__ import annotations

from enum import Enum


class FileKind(str, Enum):
    """Format of a model file, which decides on the checks that it needs."""

    SAFETENSORS = "safetensors"
    PICKLE = "pickle"
    ONNX = "onnx"


ENDINGS = {
    ".safetensors": FileKind.SAFETENSORS,
    ".ckpt": FileKind.PICKLE,
    ".pt": FileKind.PICKLE,
    ".pth": FileKind.PICKLE,
    ".bin": FileKind.PICKLE,
    ".fooocus.patch": FileKind.PICKLE,
    ".onnx": FileKind.ONNX,
}
"""Ending of a name → kind. PyTorch unpickles all but the first and the last, which can run code."""
SNIFFED_BYTES = 512
"""Bytes at the beginning of a file by which a web page is recognised."""


def kind_of(name: str) -> FileKind | None:
    """Return the kind of a file by its name, None if it is not a model file."""
    lower = name.lower()
    return next((kind for ending, kind in ENDINGS.items() if lower.endswith(ending)), None)


def is_web_page(beginning: bytes) -> bool:
    """Return whether a file begins as HTML or XML does: no kind of model begins with `<`."""
    return beginning.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<"
