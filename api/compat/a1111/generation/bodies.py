"""The bodies of `txt2img` and `img2img`, and their answer."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from ....schemas.items import MAX_PROMPT_LENGTH
from .values import Flag, Name, Number, Object, OptionalNumber, OptionalWhole, Text, Whole

SIDE = "Pixels, up to 2048."
MAX_TEXT = 20_000
"""Characters of a text that is no image."""
MAX_DEPTH = 6
IMAGE = "Base64, a data URI, a URL, or the URL of an input or output of this server."


def without_images(value: Any, depth: int = 0) -> Any:
    """Return a member of a request with null for each image in it, and for what is too deep to be looked at."""
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT else None
    if depth >= MAX_DEPTH and isinstance(value, (dict, list)):
        return None
    if isinstance(value, dict):
        return {name: without_images(one, depth + 1) for name, one in value.items()}
    return [without_images(one, depth + 1) for one in value] if isinstance(value, list) else value


class GenerationBody(BaseModel):
    """The members that both requests have. Numbers may be sent as text, and null is the default."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())

    prompt: Text = Field(default="", max_length=MAX_PROMPT_LENGTH, description="The description of the image.")
    negative_prompt: Text = Field(
        default="", max_length=MAX_PROMPT_LENGTH, description="The description of what to avoid in the image."
    )
    styles: Any = Field(
        default=None,
        description="A list of names of Fooocus's styles, in place of its default ones; empty for the default ones.",
    )
    seed: Whole = Field(default=-1, description="The seed of the first image; -1 for a random one.")
    steps: OptionalWhole = Field(
        default=None, description="The number of steps, up to 200; by default the performance's."
    )
    cfg_scale: OptionalNumber = Field(
        default=None, description="The guidance scale, 1 to 30; by default Fooocus's own."
    )
    width: OptionalWhole = Field(default=None, description=f"{SIDE} By default Fooocus's own size.")
    height: OptionalWhole = Field(default=None, description=f"{SIDE} By default Fooocus's own size.")
    batch_size: Whole = Field(default=1, description="Images of a batch.")
    n_iter: Whole = Field(default=1, description="Batches. There may be 32 images in all.")
    sampler_name: Name = Field(default=None, description="The sampler, as in `DPM++ 2M Karras`.")
    sampler_index: Name = Field(default=None, description="The same, without `sampler_name`.")
    scheduler: Name = Field(
        default=None, description="The scheduler, by its name or label; `automatic` for the sampler's."
    )
    denoising_strength: OptionalNumber = Field(
        default=None, description="The share of the image that is made again, 0 to 1."
    )
    clip_skip: Whole = Field(default=0, description="The number of CLIP's last layers to stop at; 0 for the default.")
    override_settings: Object = Field(
        default={}, description="Settings for this request, as in `POST /sdapi/v1/options`."
    )
    override_settings_restore_afterwards: Flag = Field(default=True, description="False keeps these settings.")
    script_name: Name = Field(default=None, description="Must be empty: there are no such scripts.")
    alwayson_scripts: Object = Field(default={}, description="`ControlNet` and `ADetailer`, with their `args`.")
    refiner_checkpoint: Name = Field(default=None, description="The second checkpoint.")
    refiner_switch_at: OptionalNumber = Field(default=None, description="The share of the steps before it takes over.")
    send_images: Flag = Field(default=True, description="False answers without images.")

    @property
    def image_number(self) -> int:
        """The number of images."""
        return max(self.batch_size, 1) * max(self.n_iter, 1)

    def forget_images(self) -> None:
        """Drop the images once the request is translated: the rest stays until the answer, which returns it."""
        self.alwayson_scripts = without_images(self.alwayson_scripts)
        extra = self.model_extra or {}
        extra.update({name: without_images(value) for name, value in extra.items()})


class TextToImageBody(GenerationBody):
    """A request for images of a text."""

    enable_hr: Flag = Field(default=False, description="Enlarge each image in a second pass.")
    hr_scale: Number = Field(default=2.0, description="The factor of the second pass.")
    hr_resize_x: Whole = Field(default=0, description="The width after the second pass, in place of the factor.")
    hr_resize_y: Whole = Field(default=0, description="The height after the second pass, in place of the factor.")
    hr_second_pass_steps: Whole = Field(default=0, description="Steps of the second pass; 0 for the performance's.")
    hr_sampler_name: Name = Field(default=None, description="The sampler of the second pass.")
    hr_scheduler: Name = Field(default=None, description="The scheduler of the second pass.")
    hr_checkpoint_name: Name = Field(default=None, description="The checkpoint of the second pass.")
    hr_prompt: Text = Field(default="", max_length=MAX_PROMPT_LENGTH, description="The prompt of the second pass.")
    hr_negative_prompt: Text = Field(
        default="", max_length=MAX_PROMPT_LENGTH, description="The negative prompt of the second pass."
    )


class ImageToImageBody(GenerationBody):
    """A request for images of an image, whole or where its mask is white."""

    init_images: list[str | None] | None = Field(
        default=None, description=f"The image; further ones are ignored. {IMAGE}"
    )
    mask: str | None = Field(default=None, description=f"The area to generate again: white, or opaque. {IMAGE}")
    resize_mode: Whole = Field(default=0, description="The way to the size: 0 stretches, 1 crops, 2 fills.")
    inpainting_mask_invert: Whole = Field(default=0, description="1 generates where the mask is black.")
    inpainting_fill: Whole = Field(default=1, description="0 and 1 begin with the image, 2 and 3 with noise.")
    inpaint_full_res: Flag = Field(default=True, description="Generate the area alone, in full resolution.")
    inpaint_full_res_padding: Whole = Field(default=0, description="Pixels around the area.")

    def forget_images(self) -> None:
        super().forget_images()
        self.init_images = self.mask = None


class GenerationResponse(BaseModel):
    """The images of a request."""

    images: list[str] = Field(description="The images as base64, without a prefix.")
    parameters: dict[str, Any] = Field(description="The request, without its images.")
    info: str = Field(description="The parameters of the images, as JSON text.")
