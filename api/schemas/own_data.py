"""Fields for the client's own use: they come back in records, events and webhooks, and do not affect the images."""

from __future__ import annotations

import json
import unicodedata
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from ...tasks.model.task import Task

MAX_TAGS = 16
MAX_TAG_LENGTH = 64
"""Characters."""
MAX_CLIENT_DATA_DEPTH = 32
"""Lists and objects inside each other. Serializers refuse more than about a hundred."""
MAX_CLIENT_DATA_BYTES = 4096
"""Bytes of the object as JSON in UTF-8, without spaces between its parts."""


def _tag(tag: str) -> str:
    if not tag.strip():
        raise PydanticCustomError("tag", "is blank; give a text, or leave it out")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in tag):
        raise PydanticCustomError("tag", "has a control character; give plain text")
    return tag


def _client_data(data: dict[str, Any]) -> dict[str, Any]:
    size = len(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"))
    if size > MAX_CLIENT_DATA_BYTES:
        message = "has {size} bytes as JSON; at most {most} are allowed"
        raise PydanticCustomError("client_data", message, {"size": size, "most": MAX_CLIENT_DATA_BYTES})
    if _depth(data) > MAX_CLIENT_DATA_DEPTH:
        message = "has more than {most} lists and objects inside each other; send fewer"
        raise PydanticCustomError("client_data", message, {"most": MAX_CLIENT_DATA_DEPTH})
    return data


def _depth(data: Any) -> int:
    """Return the number of lists and objects inside each other."""
    depth, level = 0, [data]
    while level := [one for one in level if isinstance(one, dict | list)]:
        depth += 1
        level = [item for one in level for item in (one.values() if isinstance(one, dict) else one)]
    return depth


PLAIN_TEXT = r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$"
"""Regular expression of a tag for the schema: no control character, and not blank."""
Tag = Annotated[
    str,
    Field(max_length=MAX_TAG_LENGTH, min_length=1, json_schema_extra={"pattern": PLAIN_TEXT}),
    AfterValidator(_tag),
]


def own_data(task: Task) -> dict[str, Any]:
    """Return the members of `OwnData` that a task has."""
    given = {name: task.parameters.get(name) for name in OwnData.model_fields}
    return {name: value for name, value in given.items() if value}


class OwnData(BaseModel):
    """Tags, by which `GET /tasks` filters, and an object of the client. The check of a field depends on no other field."""

    tags: Annotated[
        list[Tag],
        BeforeValidator(lambda value: [] if value is None else value),
        AfterValidator(lambda tags: list(dict.fromkeys(tags))),
    ] = Field(
        default=[],
        max_length=MAX_TAGS,
        description=f"Labels of the task, of up to {MAX_TAG_LENGTH} characters, by which `GET /tasks?tag=` filters. Repeated "
        "ones count once.",
    )
    client_data: Annotated[
        dict[str, Any],
        BeforeValidator(lambda value: {} if value is None else value),
        AfterValidator(_client_data),
    ] = Field(
        default={},
        description="An object that comes back unchanged in records, events and webhooks; as JSON it may have "
        f"{MAX_CLIENT_DATA_BYTES} bytes.",
    )


OF_A_SUBMISSION = frozenset(
    {"webhook_url", "priority", "stream_output", "async_process", "require_base64", *OwnData.model_fields}
)
"""Fields about the response, the queue and the client: no pixel depends on them, and a repetition begins with their defaults."""
