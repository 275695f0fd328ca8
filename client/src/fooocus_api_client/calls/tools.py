"""Calls of the tools, and those that send and fetch images."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

from ..schema.image_source import ImageSource
from ..schema.images import Upload
from ..schema.tools import Description, ExpandedPrompts, Metadata
from ..wire.errors import UnexpectedAnswer
from ..wire.image_files import file_of, json_value, picture_of
from ..wire.request import Answer, Call, Request, json_request, reader
from .generation import MEDIA_TYPES


def upload(image: ImageSource) -> Call[Upload]:
    """Store an image, whose URL later requests can use."""
    return Call(Request("POST", "/inputs", files={"image": file_of(image)}), reader(Upload))


def download(url: str, image_format: Optional[str]) -> Call[bytes]:
    """Fetch an image, converted if a format is given."""
    headers = {"Accept": MEDIA_TYPES[image_format]} if image_format else {}
    return Call(Request("GET", url, headers=headers, outlasts=True), lambda answer: answer.content)


def describe(image: ImageSource, kind: str) -> Call[str]:
    """Describe an image in words. Fooocus does it after the tasks that wait before it."""
    body = {"image": json_value(image), "image_type": kind}
    request = json_request("POST", "/v1/tools/describe-image", body, repeatable=False, waits=True)
    read = reader(Description)
    return Call(request, lambda answer: read(answer).describe)


def mask(image: ImageSource, options: dict[str, Any]) -> Call[bytes]:
    """Make the mask of an image's subject, as a PNG. Fooocus does it after the tasks that wait before it."""

    def read(answer: Answer) -> bytes:
        found = picture_of(str(answer.json()))
        if found is None:
            raise UnexpectedAnswer("the server answered no mask; check the server's URL")
        return found

    body = {"image": json_value(image), **options}
    return Call(json_request("POST", "/v1/tools/generate_mask", body, repeatable=False, waits=True), read)


def read_metadata(image: ImageSource) -> Call[Metadata]:
    """Read the parameters in an image."""
    return Call(Request("POST", "/v1/tools/read-metadata", files={"image": file_of(image)}), reader(Metadata))


def expand_prompt(prompt: str, fields: dict[str, Any]) -> Call[ExpandedPrompts]:
    """Show what a prompt becomes with its wildcards and styles."""
    return Call(json_request("POST", "/v1/tools/expand-prompt", {"prompt": prompt, **fields}), reader(ExpandedPrompts))


def format_of(path: Path) -> Optional[str]:
    """Return the format by the ending of a file's name, None for another ending, which keeps the image as it is."""
    ending = path.suffix.lower().lstrip(".")
    return ending if ending in MEDIA_TYPES else None
