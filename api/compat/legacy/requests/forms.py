"""Forms of the `/v1` routes, read into the members of the JSON bodies of `/v2`."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile

from .....asgi.error_codes import ErrorCode, FieldErrorCode
from .....asgi.problem import shortened
from ....images.forms import bounded_form
from ....requests.json_body import MAX_BODY_BYTES, is_form, read_json
from ....requests.memory_budget import Reservation
from ....responses.problems import InvalidFields, Problem, invalid_field
from ....schemas.generate import MAX_LIST_LENGTH

MAX_FILES = 8
"""Files in one form: an image, a mask and four image prompts, and some with unknown names."""
MAX_URLENCODED_BYTES = 2**20
MAX_FIELDS = 1000
LISTS = ("style_selections", "outpaint_selections")
"""Fields that may be repeated."""
IMAGES = frozenset({"input_image", "input_mask", "enhance_input_image", *(f"cn_img{number}" for number in range(1, 5))})
ENHANCEMENTS = ("1", "2", "3")
_CONTROL = re.compile(r"cn_(?P<key>img|stop|weight|type)(?P<number>[1-4])")
_ENHANCEMENT = re.compile(r"(?P<key>enhance_\w+)_(?P<number>[123])")

Members = dict[str, Any]


class Form:
    """The members of a form, with the names of the fields that were ignored."""

    def __init__(self) -> None:
        self.members: Members = {}
        self.ignored: list[str] = []


async def read_form(request: Request, reservation: Reservation) -> Form:
    """Return a form with its files as data URIs, whose memory is reserved.

    Raises:
        Problem: 413 if it is too large, 415 if the body is not a form.
        InvalidFields: the form or a JSON text in it is invalid.
    """
    if is_form(request):
        async with bounded_form(request, max_files=MAX_FILES, max_bytes=MAX_BODY_BYTES) as sent:
            reservation.grow(
                sum(4 * (value.size or 0) // 3 for value in sent.values() if isinstance(value, UploadFile))
            )
            return await run_in_threadpool(_read, sent)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        message = f"{shortened(kind) or 'a body without Content-Type'} is not supported; send multipart/form-data"
        raise Problem(ErrorCode.UNSUPPORTED_MEDIA_TYPE, message)
    return await run_in_threadpool(_read, _urlencoded(await request.body()))


def _urlencoded(body: bytes) -> FormData:
    if len(body) > MAX_URLENCODED_BYTES:
        raise Problem(ErrorCode.PAYLOAD_TOO_LARGE, "form is too large; send images as multipart/form-data")
    try:
        pairs: list[tuple[str, str | UploadFile]] = [
            *parse_qsl(bytes(body).decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
        ]
        return FormData(pairs)
    except ValueError as error:
        raise invalid_field("body", FieldErrorCode.INVALID_FORM, f"is not a valid form: {error}") from error


def _read(sent: FormData) -> Form:
    """Return the form's members. An empty field counts as not sent, as in FastAPI."""
    form, prompts, enhancements = Form(), _numbered(4), _numbered(len(ENHANCEMENTS))
    for name in dict.fromkeys(sent.keys()):
        value = sent[name]
        if isinstance(value, UploadFile):
            if name not in IMAGES:
                form.ignored.append(name)
                continue
            value = _data_uri(value)
        if value == "":
            continue
        if control := _CONTROL.fullmatch(name):
            prompts[int(control["number"]) - 1][f"cn_{control['key']}"] = value
        elif enhancement := _ENHANCEMENT.fullmatch(name):
            enhancements[int(enhancement["number"]) - 1][enhancement["key"]] = value
        elif name in LISTS:
            form.members[name] = [text for text in sent.getlist(name) if isinstance(text, str)]
        elif name == "loras":
            form.members[name] = _json(name, value)
        elif name == "advanced_params":
            _add_advanced(form, value)
        else:
            form.members[name] = value
    if any(prompts):
        form.members["image_prompts"] = [one for one in prompts if one]
    if any(enhancements):
        form.members["enhance_ctrlnets"] = enhancements
    return form


def _numbered(count: int) -> list[Members]:
    return [{} for _ in range(count)]


def _data_uri(file: UploadFile) -> str:
    """Return an image file as a data URI, "" for an empty one. It may read from the disk: off the event loop."""
    content = file.file.read()
    return f"data:image/png;base64,{base64.b64encode(content).decode('ascii')}" if content else ""


def _add_advanced(form: Form, text: str) -> None:
    """Add `advanced_params`, or note them as ignored: Fooocus-API uses its defaults if they are not JSON."""
    try:
        advanced = _json("advanced_params", text)
    except Problem:
        advanced = None
    if isinstance(advanced, dict):
        form.members["advanced_params"] = advanced
    elif advanced is not None or text.strip().lower() not in ("null", "none"):
        form.ignored.append("advanced_params")


def _json(name: str, text: str) -> Any:
    try:
        return read_json(text.encode("utf-8", "replace"))
    except InvalidFields as error:
        problems = [one.model_copy(update={"field": name}) for one in error.errors]
        raise InvalidFields(problems) from error


def list_of(value: list[str] | str | None) -> list[str]:
    """Return up to MAX_LIST_LENGTH names that were sent as a list, as texts with commas, or as a JSON list in a text."""
    return list(islice(_names([value] if isinstance(value, str) else value or []), MAX_LIST_LENGTH))


def _names(texts: list[str]) -> Iterator[str]:
    for text in texts:
        if text.lstrip().startswith("["):
            try:
                found = json.loads(text)
            except (ValueError, RecursionError):
                found = None
            if isinstance(found, list):
                yield from (str(one).strip() for one in found)
                continue
        yield from (name for part in text.split(",") if (name := part.strip()))
