"""The body of `POST /v1/engine/generate`, with the fields, ranges and defaults of FooocusAPI's CommonRequest."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BeforeValidator, ConfigDict, Field

from ...files.typed_names import FILE_NAME, MAX_NAME_LENGTH
from ...tasks.model.workload.prompt_parts import MAX_PARTS
from .items import (
    IMAGE,
    MAX_PROMPT_LENGTH,
    NO_SMALL_SIDE,
    SIDE,
    EnhanceControl,
    FileName,
    ImagePrompt,
    ImageText,
    Lora,
    Text,
    no_null,
)
from .own_data import OwnData
from .without_effect import add_fields_without_effect

UPSCALE_CUSTOM = "Upscale (Custom)"
"""An upscale method that the API adds to the host's: enlarges by `upscale_multiple`."""
DISABLED = ("disabled", "disable")
"""Spellings, in lower case, of the method that neither varies nor upscales."""
PARTS = f"At most {MAX_PARTS} arrays, as `[[red,blue]]`, and {MAX_PARTS} wildcards."
MAX_LIST_LENGTH = 1000
"""Entries, checked before any entry is validated."""
REPEAT_OF = "repeat_of"
"""Field with the id of the task whose random state is restored."""


class CommonRequest(OwnData):
    """A generation request. The defaults are those of the running Fooocus, except for a few that the API fixes."""

    model_config = ConfigDict(
        extra="allow", allow_inf_nan=False, protected_namespaces=(), json_schema_extra=add_fields_without_effect
    )

    CATALOGS: ClassVar[dict[str, str]] = {
        "style_selections": "styles",
        "performance_selection": "performances",
        "aspect_ratios_selection": "aspect_ratios",
        "output_format": "output_formats",
        "base_model_name": "models",
        "refiner_model_name": "refiners",
        "sampler_name": "samplers",
        "scheduler_name": "schedulers",
        "vae_name": "vaes",
        "refiner_swap_method": "refiner_swap_methods",
        "metadata_scheme": "metadata_schemes",
        "uov_method": "uov_methods",
        "outpaint_selections": "outpaint_directions",
        "inpaint_engine": "inpaint_engines",
        "enhance_uov_method": "enhance_uov_methods",
        "enhance_uov_processing_order": "enhance_orders",
        "enhance_uov_prompt_type": "enhance_prompt_types",
        "preset": "presets",
    }
    FIXED: ClassVar[frozenset[str]] = frozenset(
        {
            "prompt",
            "image_number",
            "image_seed",
            "save_metadata_to_images",
            "generate_image_grid",
            "uov_method",
            "outpaint_selections",
            "enhance_checkbox",
            "inpaint_additional_prompt",
        }
    )
    """Fields whose default the API fixes; all others have the host's."""

    prompt: str = Field(default="", max_length=MAX_PROMPT_LENGTH, description=f"The description of the image. {PARTS}")
    negative_prompt: str = Field(
        default="", max_length=MAX_PROMPT_LENGTH, description=f"The description of what to avoid in the image. {PARTS}"
    )
    style_selections: list[str] = Field(
        default=["Fooocus V2", "Fooocus Enhance", "Fooocus Sharp"],
        max_length=MAX_LIST_LENGTH,
        description="Names of styles, applied in this order.",
    )
    performance_selection: str = Field(default="Speed", description="The number of steps, and the LoRA that suits it.")
    aspect_ratios_selection: str = Field(
        default="1152*896",
        description="Width*height in pixels. A size that is not listed sets `overwrite_width` and `overwrite_height`. "
        "`1024x1280`, `16:9` and the WebUI's own label are accepted.",
    )
    image_number: int = Field(default=1, ge=1, le=32, description="The number of images.")
    output_format: str = Field(default="png", description="The file format; `jpg` means `jpeg`.")
    image_seed: int = Field(
        default=-1,
        ge=-1,
        le=2**63 - 1,
        description="The seed of the first image, as a number or as text; -1 for a random seed.",
    )
    read_wildcards_in_order: bool = Field(
        default=False, description="Use the lines of wildcards in order, not at random."
    )
    sharpness: float = Field(default=2.0, ge=0, le=30, description="The sharpness of the image; lower is softer.")
    guidance_scale: float = Field(default=4.0, ge=1, le=30, description="The strength of the prompt's influence.")
    base_model_name: str = Field(default="juggernautXL_v8Rundiffusion.safetensors", description="The checkpoint.")
    refiner_model_name: str = Field(default="None", description="The second checkpoint, or `None`.")
    refiner_switch: float = Field(
        default=0.5, ge=0.1, le=1, description="The share of the steps before the refiner takes over."
    )
    loras: list[Lora] = Field(
        default=[], max_length=MAX_LIST_LENGTH, description="The LoRAs; Fooocus limits their number."
    )
    disable_preview: bool = Field(default=False, description="Generate without previews.")
    disable_intermediate_results: bool = Field(default=False, description="Show images only once all are finished.")
    disable_seed_increment: bool = Field(default=False, description="Use the same seed for every image of the task.")
    black_out_nsfw: bool = Field(default=False, description="Replace unsafe images by black ones.")
    adm_scaler_positive: float = Field(default=1.5, ge=0, le=3, description="1.0 disables it.")
    adm_scaler_negative: float = Field(default=0.8, ge=0, le=3, description="1.0 disables it.")
    adm_scaler_end: float = Field(default=0.3, ge=0, le=1, description="The share of the steps with ADM guidance.")
    adaptive_cfg: float = Field(default=7.0, ge=1, le=30, description="CFG mimicking from TSNR.")
    clip_skip: int = Field(
        default=2, ge=1, le=12, description="One more than the number of CLIP's last layers to skip: 1 skips none."
    )
    sampler_name: str = Field(
        default="dpmpp_2m_sde_gpu", description="The sampler. Few-step performances use their own."
    )
    scheduler_name: str = Field(
        default="karras", description="The noise scheduler. Few-step performances use their own."
    )
    vae_name: str = Field(default="Default (model)", description="The VAE file, or the checkpoint's own.")
    overwrite_step: int = Field(
        default=-1, ge=-1, le=200, description="The number of steps; -1 uses the performance's."
    )
    overwrite_switch: int = Field(
        default=-1, ge=-1, le=200, description="The step at which the refiner takes over; -1 uses `refiner_switch`."
    )
    overwrite_width: int = Field(default=-1, ge=-1, le=2048, description=SIDE, json_schema_extra=NO_SMALL_SIDE)
    overwrite_height: int = Field(default=-1, ge=-1, le=2048, description=SIDE, json_schema_extra=NO_SMALL_SIDE)
    refiner_swap_method: str = Field(default="joint", description="The method by which the refiner takes over.")
    freeu_enabled: bool = Field(default=False, description="Generate with FreeU.")
    freeu_b1: float = Field(default=1.01, ge=0, le=2, description="FreeU's factor for the backbone, first stage.")
    freeu_b2: float = Field(default=1.02, ge=0, le=2, description="FreeU's factor for the backbone, second stage.")
    freeu_s1: float = Field(
        default=0.99, ge=0, le=4, description="FreeU's factor for the skip connections, first stage."
    )
    freeu_s2: float = Field(
        default=0.95, ge=0, le=4, description="FreeU's factor for the skip connections, second stage."
    )
    save_metadata_to_images: bool = Field(default=True, description="Embed the parameters in the image files.")
    metadata_scheme: str = Field(
        default="fooocus", description="The scheme of the embedded parameters; `a111` means `a1111`."
    )
    generate_image_grid: bool = Field(default=False, description="Add an image with all images side by side.")

    uov_input_image: ImageText = Field(default=None, description=f"The image to vary or upscale. {IMAGE}")
    uov_method: str = Field(default="Disabled", description="The method to vary or upscale the image.")
    upscale_multiple: float = Field(default=1.0, ge=1, le=5, description=f"The factor of `{UPSCALE_CUSTOM}`.")
    overwrite_vary_strength: float = Field(
        default=-1, ge=-1, le=1, description="Denoising strength of Vary; -1 for the method's own."
    )
    overwrite_upscale_strength: float = Field(
        default=-1, ge=-1, le=1, description="Denoising strength of Upscale; -1 for the method's own."
    )

    inpaint_input_image: ImageText = Field(default=None, description=f"The image to inpaint or outpaint. {IMAGE}")
    inpaint_mask_image_upload: ImageText = Field(
        default=None,
        description="The mask. White is generated again, regardless of its alpha; areas that a canvas leaves transparent "
        f"count as black and are kept. {IMAGE}",
    )
    inpaint_additional_prompt: Text = Field(
        default="", max_length=MAX_PROMPT_LENGTH, description="A text placed before the prompt when inpainting."
    )
    outpaint_selections: list[str] = Field(default=[], max_length=MAX_LIST_LENGTH, description="The sides to extend.")
    outpaint_distance: list[Annotated[int, Field(ge=0, le=4096)]] = Field(
        default=[0, 0, 0, 0],
        min_length=4,
        max_length=4,
        description="Pixels to add [left, top, right, bottom]; 0 adds 30 % on a selected side.",
    )
    debugging_inpaint_preprocessor: bool = Field(
        default=False, description="Return only the preprocessed image and mask."
    )
    inpaint_disable_initial_latent: bool = Field(default=False, description="Start from noise only.")
    inpaint_engine: str = Field(default="v2.6", description="The inpaint model, or `None`.")
    inpaint_strength: float = Field(
        default=1.0, ge=0, le=1, description="Denoising strength of inpaint; outpaint uses 1.0."
    )
    inpaint_respective_field: float = Field(
        default=0.618, ge=0, le=1, description="The area to consider: 0 is the mask only, 1 the whole image."
    )
    inpaint_erode_or_dilate: int = Field(
        default=0, ge=-64, le=64, description="Pixels to grow the mask by; negative values shrink it."
    )

    controlnet_image: list[ImagePrompt] = Field(
        default=[], max_length=MAX_LIST_LENGTH, description="The image prompts; Fooocus limits their number."
    )
    mixing_image_prompt_and_vary_upscale: bool = Field(
        default=False, description="Combine image prompts with `uov_input_image`."
    )
    mixing_image_prompt_and_inpaint: bool = Field(
        default=False, description="Combine image prompts with `inpaint_input_image`."
    )
    debugging_cn_preprocessor: bool = Field(default=False, description="Return only the preprocessed control images.")
    skipping_cn_preprocessor: bool = Field(default=False, description="Use the control images without preprocessing.")
    canny_low_threshold: int = Field(default=64, ge=1, le=255, description="PyraCanny drops weaker edges.")
    canny_high_threshold: int = Field(default=128, ge=1, le=255, description="PyraCanny always keeps stronger edges.")
    controlnet_softness: float = Field(
        default=0.25, ge=0, le=1, description="The reduction of the control images' effect in late layers."
    )

    enhance_input_image: ImageText = Field(default=None, description=f"The image to enhance. {IMAGE}")
    enhance_checkbox: bool = Field(
        default=False, description="Enhance the generated images; implied by `enhance_input_image`."
    )
    enhance_uov_method: str = Field(
        default="Disabled", description="The method to vary or upscale as part of the enhancement."
    )
    enhance_uov_processing_order: str = Field(
        default="Before First Enhancement", description="The time at which to vary or upscale."
    )
    enhance_uov_prompt_type: str = Field(
        default="Original Prompts", description="The prompts with which to vary or upscale."
    )
    enhance_ctrls: list[EnhanceControl] = Field(
        default=[], max_length=MAX_LIST_LENGTH, description="The enhancements; Fooocus limits their number."
    )
    debugging_dino: bool = Field(default=False, description="Use the boxes of GroundingDINO in place of masks.")
    dino_erode_or_dilate: int = Field(
        default=0, ge=-64, le=64, description="Pixels to grow the boxes by; negative values shrink them."
    )
    debugging_enhance_masks_checkbox: bool = Field(default=False, description="Return the masks as images, too.")
    save_final_enhanced_image_only: bool = Field(
        default=False, description="Keep only the last image of each enhancement."
    )

    preset: Annotated[str, BeforeValidator(lambda value: no_null(value) or "initial")] = Field(
        default="initial", description="A preset, whose values replace the defaults; `initial` for none."
    )
    save_name: FileName = Field(
        default="",
        max_length=MAX_NAME_LENGTH,
        pattern=FILE_NAME,
        description="Images are named `{save_name}-{number}` in the day's folder; existing images are never overwritten.",
    )
    repeat_of: Text = Field(
        default="",
        max_length=36,
        description="The id of a task whose random state is restored, so that an input image gives the same pixels again.",
    )
    require_base64: bool = Field(default=False, description="Return the images as base64, too.")
    stream_output: bool = Field(
        default=False, description="Respond with server-sent events. Takes precedence over `async_process`."
    )
    async_process: bool = Field(default=False, description="Respond at once, with the pending record.")
    priority: int = Field(
        default=0,
        ge=-10,
        le=10,
        description="Pending tasks with a higher priority run first, regardless of their origin. The WebUI's tasks have 0. "
        "With a key, a priority above 0 requires the scope `control`.",
    )
    webhook_url: Text = Field(
        default="",
        max_length=2000,
        description="An http(s) URL that receives the record when the task has ended; overrides `--webhook-url`.",
    )

    def has_image_prompts(self) -> bool:
        """Return whether there is an image prompt with an image."""
        return any(image.cn_img is not None for image in self.controlnet_image)

    def tab(self) -> str | None:
        """Return the WebUI's tab that matches the given images, None without images."""
        if self.enhance_input_image:
            return "enhance"
        if self.has_image_prompts():
            return "ip"
        return "uov" if self.uov_input_image else "inpaint" if self.inpaint_input_image else None


IMAGE_FIELDS = ("enhance_input_image", "uov_input_image", "inpaint_input_image", "inpaint_mask_image_upload")
