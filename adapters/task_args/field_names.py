"""Names of a request's fields and values, and the host's names for them."""

from __future__ import annotations

HOST_NAMES = {"image_seed": "seed", "guidance_scale": "cfg_scale"}
"""API field → the host's argument, where the names differ."""

WIRE_NAMES = {host: wire for wire, host in HOST_NAMES.items()}
LIST_FIELDS: dict[str, dict[str, str]] = {
    "loras": {"enabled": "loras.0", "model_name": "loras.1", "weight": "loras.2"},
    "controlnet_image": {name: name for name in ("cn_img", "cn_stop", "cn_weight", "cn_type")},
    "enhance_ctrls": {
        "enhance_mask_dino_prompt": "enhance_mask_dino_prompt_text",
        **{
            name: name
            for name in (
                "enhance_enabled",
                "enhance_prompt",
                "enhance_negative_prompt",
                "enhance_mask_model",
                "enhance_mask_cloth_category",
                "enhance_mask_sam_model",
                "enhance_mask_text_threshold",
                "enhance_mask_box_threshold",
                "enhance_mask_sam_max_detections",
                "enhance_inpaint_disable_initial_latent",
                "enhance_inpaint_engine",
                "enhance_inpaint_strength",
                "enhance_inpaint_respective_field",
                "enhance_inpaint_erode_or_dilate",
                "enhance_mask_invert",
            )
        },
    },
}
"""API list → field of its items → the host's argument, of which there is one per slot."""

VALUE_ALIASES = {
    "output_format": ("jpg", "jpeg"),
    "metadata_scheme": ("a111", "a1111"),
    "uov_method": ("disable", "Disabled"),
    "enhance_uov_method": ("disable", "Disabled"),
}
"""API field → (alternative value, the host's value)."""

IMAGE_FIELD_NAMES = (
    *("uov_input_image", "inpaint_input_image", "inpaint_mask_image_upload", "enhance_input_image"),
    "cn_img",
)
"""Fields of a request, and of its items, that have an image."""
MASK = "inpaint_mask_image_upload"
DERIVED_ARGUMENTS = {
    "input_image_checkbox",
    "current_tab",
    "inpaint_advanced_masking_checkbox",
    "invert_mask_checkbox",
    "uov_input_image",
    "inpaint_input_image",
    "inpaint_mask_image_upload",
    "enhance_input_image",
}
"""Arguments derived from the images in the request."""
