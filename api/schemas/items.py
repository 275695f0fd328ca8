"""Texts and sides of a request, and the items of its lists: LoRAs, image prompts, enhancements."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from ...files.typed_names import composed, is_file_name

MAX_PROMPT_LENGTH = 20_000
"""Characters. Fooocus encodes all of them, 75 tokens at a time."""
NO_IMAGE = frozenset({"", "none", "null", "string", "undefined"})
"""In lower case. Forms filled in from a schema send `string`; JavaScript sends `undefined` for a missing value."""
MAX_NO_IMAGE_LENGTH = 32
"""Maximum characters of such a text, including surrounding spaces. An image has thousands."""
IMAGE = "URL, base64, data URI, or the URL of an input or output of this server; `None` for no image."


def is_no_image(text: str) -> bool:
    """Return whether a text means no image."""
    return len(text) <= MAX_NO_IMAGE_LENGTH and text.strip().lower() in NO_IMAGE


def _image_text(value: Any) -> Any:
    """Return None for any text that means no image, and every other value unchanged."""
    return None if value is None or (isinstance(value, str) and is_no_image(value)) else value


ImageText = Annotated[str | None, BeforeValidator(_image_text), Field(examples=["None"])]
"""Has an example, as a form filled in from the schema would otherwise contain a placeholder text as image."""


def no_null(value: Any) -> Any:
    """Return an empty text for a missing value, and every other value unchanged."""
    return "" if value is None or value == "None" else value


def _file_name(value: Any) -> Any:
    name = no_null(value)
    if isinstance(name, str) and not is_file_name(name := composed(name)):
        raise PydanticCustomError(
            "file_name", "must begin with a letter or digit and contain only letters, digits, spaces and _ . ( ) + -"
        )
    return name


FileName = Annotated[str, BeforeValidator(_file_name)]
Text = Annotated[str, BeforeValidator(no_null)]
SIDE = "Pixels, rounded down to a multiple of 8; -1 or 0 uses the aspect ratio's."
NO_SMALL_SIDE: dict[str, Any] = {"anyOf": [{"maximum": 0}, {"minimum": 64}]}
"""JSON Schema of the valid sides."""


class Item(BaseModel):
    """An item of a list. It keeps unknown members separately, so that they can be reported."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())


class Lora(Item):
    """A LoRA and its weight."""

    enabled: bool = Field(default=True, description="True if the LoRA is applied.")
    model_name: str = Field(default="None", description="A file in the LoRA folders; `None` for no LoRA.")
    weight: float = Field(default=0.5, ge=-2, le=2, description="The strength of its effect.")


class ImagePrompt(Item):
    """An image that guides the generation. Skipped without `cn_img`."""

    cn_img: ImageText = Field(default=None, description=IMAGE)
    cn_stop: float | None = Field(
        default=0.6, ge=0, le=1, description="The share of the steps during which it has an effect."
    )
    cn_weight: float | None = Field(default=0.6, ge=0, le=2, description="The strength of its effect.")
    cn_type: str = Field(default="ImagePrompt", description="The aspect of the image to use.")


class EnhanceControl(Item):
    """One enhancement: what to detect in the image, and what to generate there."""

    enhance_enabled: bool = Field(default=False, description="True if the enhancement is applied.")
    enhance_mask_dino_prompt: str = Field(
        default="",
        max_length=MAX_PROMPT_LENGTH,
        validation_alias=AliasChoices("enhance_mask_dino_prompt", "enhance_mask_dino_prompt_text"),
        description="The object to detect; required by mask model `sam`.",
    )
    enhance_prompt: str = Field(
        default="", max_length=MAX_PROMPT_LENGTH, description="The prompt for the area; empty for `prompt`."
    )
    enhance_negative_prompt: str = Field(
        default="",
        max_length=MAX_PROMPT_LENGTH,
        description="The negative prompt for the area; empty for `negative_prompt`.",
    )
    enhance_mask_model: str = Field(default="sam", description="The model that detects the area.")
    enhance_mask_cloth_category: str = Field(
        default="full", description="The clothes to detect, with mask model `u2net_cloth_seg`."
    )
    enhance_mask_sam_model: str = Field(default="vit_b", description="The size of the model `sam`.")
    enhance_mask_text_threshold: float = Field(
        default=0.25, ge=0, le=1, description="Minimum confidence that an object matches the text; only `sam`."
    )
    enhance_mask_box_threshold: float = Field(
        default=0.3, ge=0, le=1, description="Minimum confidence of a detected box; only `sam`, from 0.05."
    )
    enhance_mask_sam_max_detections: int = Field(
        default=0, ge=0, le=10, description="Maximum number of detections, 0 for all; only `sam`."
    )
    enhance_inpaint_disable_initial_latent: bool = Field(default=False, description="Start from noise only.")
    enhance_inpaint_engine: str = Field(default="v2.6", description="The inpaint model, or `None`.")
    enhance_inpaint_strength: float = Field(default=1.0, ge=0, le=1, description="Denoising strength.")
    enhance_inpaint_respective_field: float = Field(
        default=0.618, ge=0, le=1, description="The area to consider: 0 is the mask only, 1 the whole image."
    )
    enhance_inpaint_erode_or_dilate: int = Field(
        default=0, ge=-64, le=64, description="Pixels to grow the mask by; negative values shrink it."
    )
    enhance_mask_invert: bool = Field(default=False, description="Apply to everything except the detected area.")

    CATALOGS: ClassVar[dict[str, str]] = {
        "enhance_mask_model": "mask_models",
        "enhance_mask_cloth_category": "cloth_categories",
        "enhance_mask_sam_model": "sam_models",
        "enhance_inpaint_engine": "inpaint_engines",
    }
