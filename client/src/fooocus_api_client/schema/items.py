"""Items of the lists in a request.

Written by client/scripts/write_types.py: change the extension's schema, and run that again.
"""

from __future__ import annotations

from typing import Optional, TypedDict

from .image_source import ImageSource


class Lora(TypedDict, total=False):
    """A LoRA and its weight."""

    enabled: bool
    """True if the LoRA is applied."""
    model_name: str
    """A file in the LoRA folders; `None` for no LoRA."""
    weight: float
    """The strength of its effect."""


class ImagePrompt(TypedDict, total=False):
    """An image that guides the generation. Skipped without `cn_img`."""

    cn_img: Optional[ImageSource]
    """URL, base64, data URI, or the URL of an input or output of this server; `None` for no image."""
    cn_stop: Optional[float]
    """The share of the steps during which it has an effect."""
    cn_weight: Optional[float]
    """The strength of its effect."""
    cn_type: str
    """The aspect of the image to use."""


class EnhanceControl(TypedDict, total=False):
    """One enhancement: what to detect in the image, and what to generate there."""

    enhance_enabled: bool
    """True if the enhancement is applied."""
    enhance_mask_dino_prompt: str
    """The object to detect; required by mask model `sam`."""
    enhance_prompt: str
    """The prompt for the area; empty for `prompt`."""
    enhance_negative_prompt: str
    """The negative prompt for the area; empty for `negative_prompt`."""
    enhance_mask_model: str
    """The model that detects the area."""
    enhance_mask_cloth_category: str
    """The clothes to detect, with mask model `u2net_cloth_seg`."""
    enhance_mask_sam_model: str
    """The size of the model `sam`."""
    enhance_mask_text_threshold: float
    """Minimum confidence that an object matches the text; only `sam`."""
    enhance_mask_box_threshold: float
    """Minimum confidence of a detected box; only `sam`, from 0.05."""
    enhance_mask_sam_max_detections: int
    """Maximum number of detections, 0 for all; only `sam`."""
    enhance_inpaint_disable_initial_latent: bool
    """Start from noise only."""
    enhance_inpaint_engine: str
    """The inpaint model, or `None`."""
    enhance_inpaint_strength: float
    """Denoising strength."""
    enhance_inpaint_respective_field: float
    """The area to consider: 0 is the mask only, 1 the whole image."""
    enhance_inpaint_erode_or_dilate: int
    """Pixels to grow the mask by; negative values shrink it."""
    enhance_mask_invert: bool
    """Apply to everything except the detected area."""
