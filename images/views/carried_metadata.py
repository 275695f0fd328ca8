"""Metadata that a view takes over from its image: the texts of a PNG, and EXIF data."""

from __future__ import annotations

import io
import re
from typing import Any

from PIL.PngImagePlugin import PngInfo

from ..codecs.embedded_parameters import MAX_EXIF_BYTES, EmbeddedParameters, read_parameters
from ..codecs.exif_tags import ORIENTATION, exif_of, tags_of, without_tag
from ..codecs.file_headers import opened
from ..complexity.checks import problem_of
from ..complexity.directories import PREFIX, exif_problem
from ..metadata.containers.carried import Carried
from ..metadata.containers.png import SIGNATURE, read_png

PARAMETERS = "parameters"
_PARAMETER_LINE = re.compile(r"^[ \t]*Steps: ", re.MULTILINE)
_SIZE = re.compile(r"(?<=, )Size: \d+x\d+(?=,|$)", re.MULTILINE)


def save_options(content: bytes, image_format: str, size: tuple[int, int]) -> dict[str, Any]:
    """Return the options with which Pillow's `save` writes an image file's metadata into a view, empty without any.

    Args:
        image_format: the view's: `PNG`, `JPEG` or `WEBP`.
        size: the view's, which replaces that in A1111's text.
    """
    if image_format == "PNG" and content.startswith(SIGNATURE):
        return {"pnginfo": _with_texts(content, size), **_exif(content)}
    parameters = read_parameters(content)
    if parameters is None:
        return _exif(content)
    text = with_size(parameters.text, size)
    return EmbeddedParameters(text, parameters.scheme, parameters.software).save_options(image_format)


def with_size(text: str, size: tuple[int, int]) -> str:
    """Return A1111's text with another size. Any other text stays as it is.

    In Fooocus's own scheme, a JSON object, `resolution` is the size with which the image was generated, and generating the image
    again needs it. A1111's programs read `Size` as that of the file.
    """
    lines = list(_PARAMETER_LINE.finditer(text))
    if not lines or text.lstrip().startswith("{"):
        return text
    start = lines[-1].end()  # a prompt may have such a line, too
    return text[:start] + _SIZE.sub(f"Size: {size[0]}x{size[1]}", text[start:], count=1)


def _with_texts(content: bytes, size: tuple[int, int]) -> PngInfo:
    carried, info = Carried(), PngInfo()
    read_png(content, carried)
    for one in carried.texts:
        if one.place == "png" and one.key:
            info.add_text(one.key, with_size(one.text, size) if one.key == PARAMETERS else one.text)
    return info


def _exif(content: bytes) -> dict[str, Any]:
    """Return the option with an image file's EXIF data, without the orientation, as views are upright."""
    if problem_of(content):
        return {}
    try:
        with opened(io.BytesIO(content)) as image:
            block = exif_of(image) if "exif" in image.info else b""
    except Exception:  # Pillow raises any exception for broken metadata
        return {}
    if not block or exif_problem(block, nested=True):
        return {}
    block = PREFIX + without_tag(block, ORIENTATION)
    return {"exif": block} if len(block) <= MAX_EXIF_BYTES and tags_of(block.removeprefix(PREFIX)) else {}
