"""Fields of a request.

Written by client/scripts/write_types.py: change the extension's schema, and run that again.
"""

from __future__ import annotations

from typing import Any, Optional, TypedDict

from .image_source import ImageSource
from .items import EnhanceControl, ImagePrompt, Lora


class GenerateFields(TypedDict, total=False):
    """A generation request. The defaults are those of the running Fooocus, except for a few that the API fixes."""

    tags: list[str]
    """Labels of the task, of up to 64 characters, by which `GET /tasks?tag=` filters. Repeated ones count once."""
    client_data: dict[str, Any]
    """An object that comes back unchanged in records, events and webhooks; as JSON it may have 4096 bytes."""
    negative_prompt: str
    """The description of what to avoid in the image. At most 100 arrays, as `[[red,blue]]`, and 100 wildcards."""
    style_selections: list[str]
    """Names of styles, applied in this order."""
    performance_selection: str
    """The number of steps, and the LoRA that suits it."""
    aspect_ratios_selection: str
    """Width*height in pixels. A size that is not listed sets `overwrite_width` and `overwrite_height`. `1024x1280`,
    `16:9` and the WebUI's own label are accepted."""
    image_number: int
    """The number of images."""
    output_format: str
    """The file format; `jpg` means `jpeg`."""
    image_seed: int
    """The seed of the first image, as a number or as text; -1 for a random seed."""
    read_wildcards_in_order: bool
    """Use the lines of wildcards in order, not at random."""
    sharpness: float
    """The sharpness of the image; lower is softer."""
    guidance_scale: float
    """The strength of the prompt's influence."""
    base_model_name: str
    """The checkpoint."""
    refiner_model_name: str
    """The second checkpoint, or `None`."""
    refiner_switch: float
    """The share of the steps before the refiner takes over."""
    loras: list[Lora]
    """The LoRAs; Fooocus limits their number."""
    disable_preview: bool
    """Generate without previews."""
    disable_intermediate_results: bool
    """Show images only once all are finished."""
    disable_seed_increment: bool
    """Use the same seed for every image of the task."""
    black_out_nsfw: bool
    """Replace unsafe images by black ones."""
    adm_scaler_positive: float
    """1.0 disables it."""
    adm_scaler_negative: float
    """1.0 disables it."""
    adm_scaler_end: float
    """The share of the steps with ADM guidance."""
    adaptive_cfg: float
    """CFG mimicking from TSNR."""
    clip_skip: int
    """One more than the number of CLIP's last layers to skip: 1 skips none."""
    sampler_name: str
    """The sampler. Few-step performances use their own."""
    scheduler_name: str
    """The noise scheduler. Few-step performances use their own."""
    vae_name: str
    """The VAE file, or the checkpoint's own."""
    overwrite_step: int
    """The number of steps; -1 uses the performance's."""
    overwrite_switch: int
    """The step at which the refiner takes over; -1 uses `refiner_switch`."""
    overwrite_width: int
    """Pixels, rounded down to a multiple of 8; -1 or 0 uses the aspect ratio's."""
    overwrite_height: int
    """Pixels, rounded down to a multiple of 8; -1 or 0 uses the aspect ratio's."""
    refiner_swap_method: str
    """The method by which the refiner takes over."""
    freeu_enabled: bool
    """Generate with FreeU."""
    freeu_b1: float
    """FreeU's factor for the backbone, first stage."""
    freeu_b2: float
    """FreeU's factor for the backbone, second stage."""
    freeu_s1: float
    """FreeU's factor for the skip connections, first stage."""
    freeu_s2: float
    """FreeU's factor for the skip connections, second stage."""
    save_metadata_to_images: bool
    """Embed the parameters in the image files."""
    metadata_scheme: str
    """The scheme of the embedded parameters; `a111` means `a1111`."""
    generate_image_grid: bool
    """Add an image with all images side by side."""
    uov_input_image: Optional[ImageSource]
    """The image to vary or upscale. URL, base64, data URI, or the URL of an input or output of this server; `None`
    for no image."""
    uov_method: str
    """The method to vary or upscale the image."""
    upscale_multiple: float
    """The factor of `Upscale (Custom)`."""
    overwrite_vary_strength: float
    """Denoising strength of Vary; -1 for the method's own."""
    overwrite_upscale_strength: float
    """Denoising strength of Upscale; -1 for the method's own."""
    inpaint_input_image: Optional[ImageSource]
    """The image to inpaint or outpaint. URL, base64, data URI, or the URL of an input or output of this server;
    `None` for no image."""
    inpaint_mask_image_upload: Optional[ImageSource]
    """The mask. White is generated again, regardless of its alpha; areas that a canvas leaves transparent count as
    black and are kept. URL, base64, data URI, or the URL of an input or output of this server; `None` for no image."""
    inpaint_additional_prompt: str
    """A text placed before the prompt when inpainting."""
    outpaint_selections: list[str]
    """The sides to extend."""
    outpaint_distance: list[int]
    """Pixels to add [left, top, right, bottom]; 0 adds 30 % on a selected side."""
    debugging_inpaint_preprocessor: bool
    """Return only the preprocessed image and mask."""
    inpaint_disable_initial_latent: bool
    """Start from noise only."""
    inpaint_engine: str
    """The inpaint model, or `None`."""
    inpaint_strength: float
    """Denoising strength of inpaint; outpaint uses 1.0."""
    inpaint_respective_field: float
    """The area to consider: 0 is the mask only, 1 the whole image."""
    inpaint_erode_or_dilate: int
    """Pixels to grow the mask by; negative values shrink it."""
    controlnet_image: list[ImagePrompt]
    """The image prompts; Fooocus limits their number."""
    mixing_image_prompt_and_vary_upscale: bool
    """Combine image prompts with `uov_input_image`."""
    mixing_image_prompt_and_inpaint: bool
    """Combine image prompts with `inpaint_input_image`."""
    debugging_cn_preprocessor: bool
    """Return only the preprocessed control images."""
    skipping_cn_preprocessor: bool
    """Use the control images without preprocessing."""
    canny_low_threshold: int
    """PyraCanny drops weaker edges."""
    canny_high_threshold: int
    """PyraCanny always keeps stronger edges."""
    controlnet_softness: float
    """The reduction of the control images' effect in late layers."""
    enhance_input_image: Optional[ImageSource]
    """The image to enhance. URL, base64, data URI, or the URL of an input or output of this server; `None` for no
    image."""
    enhance_checkbox: bool
    """Enhance the generated images; implied by `enhance_input_image`."""
    enhance_uov_method: str
    """The method to vary or upscale as part of the enhancement."""
    enhance_uov_processing_order: str
    """The time at which to vary or upscale."""
    enhance_uov_prompt_type: str
    """The prompts with which to vary or upscale."""
    enhance_ctrls: list[EnhanceControl]
    """The enhancements; Fooocus limits their number."""
    debugging_dino: bool
    """Use the boxes of GroundingDINO in place of masks."""
    dino_erode_or_dilate: int
    """Pixels to grow the boxes by; negative values shrink them."""
    debugging_enhance_masks_checkbox: bool
    """Return the masks as images, too."""
    save_final_enhanced_image_only: bool
    """Keep only the last image of each enhancement."""
    preset: str
    """A preset, whose values replace the defaults; `initial` for none."""
    save_name: str
    """Images are named `{save_name}-{number}` in the day's folder; existing images are never overwritten."""
    repeat_of: str
    """The id of a task whose random state is restored, so that an input image gives the same pixels again."""
    require_base64: bool
    """Return the images as base64, too."""
    priority: int
    """Pending tasks with a higher priority run first, regardless of their origin. The WebUI's tasks have 0. With a
    key, a priority above 0 requires the scope `control`."""
    webhook_url: str
    """An http(s) URL that receives the record when the task has ended; overrides `--webhook-url`."""
