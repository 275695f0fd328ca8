"""Bodies of requests for images, as OpenAI's clients send them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from ....asgi.error_codes import FieldErrorCode
from ...responses.problems import FieldError, InvalidFields, field_error

B = TypeVar("B", bound="ImagesBody")
REFUSED = ("frame_count", "frame_duration_ms", "svg", "markup")
"""Fields of OpenAI's newest models for which Fooocus has nothing. They change the image, so that they are not ignored."""
PICTURES = ("image", "images", "image_url", "image_urls", "input_image", "init_image", "mask", "reference_images")
"""Fields with pictures, which a generation from a prompt can't go by. They are not ignored either."""
ALWAYS_BASE64 = ("gpt-image", "chatgpt-image")
"""Beginnings of the names of models that return base64 at OpenAI, regardless of `response_format`."""
SIZE_PATTERN = r"^(auto|[1-9][0-9]{0,4}x[1-9][0-9]{0,4})?$"
MAX_TEXT = 500
"""Characters of a name or an identifier."""
MAX_IMAGES = 32
"""Images of one request."""


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) and len(value) < 32 else value


def without_nothing(value: Any) -> Any:
    """Return None for "", which forms send for a field that is not filled in, and for JavaScript's words for nothing."""
    return None if value in ("", "null", "undefined") else value


OptionalText = Annotated[str | None, BeforeValidator(without_nothing)]
Choice = BeforeValidator(lambda value: _lower(without_nothing(value)))


class ImagesBody(BaseModel):
    """Members that all requests for images have. Forms send them as texts."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False, protected_namespaces=())

    model: OptionalText = Field(
        default=None,
        max_length=MAX_TEXT,
        description="The file name of a checkpoint, with or without its extension, or the name of a preset. Any other name "
        "means Fooocus's default; the response header `X-Fooocus-Model` has the one that was used.",
    )
    n: Annotated[int | None, BeforeValidator(without_nothing)] = Field(
        default=None, ge=1, le=MAX_IMAGES, description="The number of images, 1 by default."
    )
    size: OptionalText = Field(
        default=None,
        max_length=MAX_TEXT,
        description="Width and height in pixels, as in `1024x1024`, or `auto`.",
        examples=["1024x1024"],
        json_schema_extra={"anyOf": [{"type": "string", "pattern": SIZE_PATTERN}, {"type": "null"}]},
    )
    response_format: Annotated[Literal["url", "b64_json"] | None, Choice] = Field(
        default=None,
        description="`url` by default. Models whose names begin with `gpt-image` or `chatgpt-image` always return `b64_json`.",
    )
    user: OptionalText = Field(default=None, max_length=MAX_TEXT, description="Without effect.")
    safety_identifier: OptionalText = Field(
        default=None, max_length=MAX_TEXT, description="Comes back in the response."
    )

    @property
    def is_base64(self) -> bool:
        """True if images are returned as base64, not as URLs."""
        return (self.model or "").startswith(ALWAYS_BASE64) or self.response_format == "b64_json"


class StreamedBody(ImagesBody):
    """Members of requests with a prompt, whose images can be streamed."""

    prompt: str = Field(
        min_length=1,
        description="The description of the image.",
        examples=["a cat by the lake"],
        json_schema_extra={"pattern": r"\S"},
    )
    quality: Annotated[Literal["auto", "standard", "low", "medium", "high", "hd", "xhigh", "max"] | None, Choice] = (
        Field(
            default=None,
            description="`low` is the fastest performance whose LoRA is in its folder, `standard` and `medium` are Speed; "
            "`high`, `hd`, `xhigh` and `max` are Quality. By default Fooocus's default.",
        )
    )
    output_format: Annotated[Literal["png", "jpeg", "jpg", "webp"] | None, Choice] = Field(
        default=None, description="The format of the files; by default Fooocus's."
    )
    output_compression: Annotated[int | None, BeforeValidator(without_nothing)] = Field(
        default=None, ge=0, le=100, description="The quality of a JPEG or WebP that is returned as base64, in percent."
    )
    background: Annotated[Literal["auto", "opaque"] | None, Choice] = Field(
        default=None, description="Fooocus generates opaque images."
    )
    moderation: Annotated[Literal["auto", "low"] | None, Choice] = Field(default=None, description="Without effect.")
    complexity: Annotated[Literal["low", "medium", "high"] | None, Choice] = Field(
        default=None, description="Without effect."
    )
    stream: Annotated[bool | None, BeforeValidator(without_nothing)] = Field(
        default=None, description="Respond with server-sent events."
    )
    partial_images: Annotated[int | None, BeforeValidator(without_nothing)] = Field(
        default=None, ge=0, le=3, description="The number of previews in a stream."
    )


class GenerationBody(StreamedBody):
    """A request to generate images. Any field of `POST /v1/engine/generate` may be added."""

    style: Annotated[Literal["vivid", "natural"] | None, Choice] = Field(
        default=None, description="`natural` omits the styles Fooocus Enhance and Fooocus Sharp."
    )


class EditBody(StreamedBody):
    """A request to edit images. Any field of `POST /v1/engine/generate` may be added."""

    input_fidelity: Annotated[Literal["low", "high"] | None, Choice] = Field(
        default=None, description="Without a mask: `low` varies the image strongly, `high` subtly."
    )


class VariationBody(ImagesBody):
    """A request to vary an image. Any field of `POST /v1/engine/generate` may be added."""


def body_of(model: type[B], members: Mapping[str, Any]) -> B:
    """Return a request's members as its body.

    Raises:
        InvalidFields: names every wrong member.
    """
    try:
        return model.model_validate(members)
    except ValidationError as error:
        raise InvalidFields(_error(item) for item in error.errors()) from error


def _error(item: Any) -> FieldError:
    """Return one of pydantic's errors, with the code for a value that OpenAI has and Fooocus has not."""
    found = field_error(item)
    given = item["input"]  # the whole body, if a member is missing
    message = UNSUPPORTED.get((found.field, given[:32].lower())) if isinstance(given, str) else None
    if message is None:
        return found
    return FieldError(field=found.field, code=FieldErrorCode.UNSUPPORTED, message=message, allowed=found.allowed)


UNSUPPORTED = {
    ("background", "transparent"): "is transparent, but Fooocus generates opaque images; send opaque",
    ("output_format", "gif"): "is gif, but Fooocus generates still images; send png, jpeg or webp",
    ("output_format", "svg"): "is svg, but Fooocus generates pixels; send png, jpeg or webp",
}
"""Field and its value at OpenAI → the reason why it is refused."""
