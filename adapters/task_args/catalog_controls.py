"""The controls of the WebUI that offer the names of a catalog."""

from __future__ import annotations

CONTROLS: dict[str, tuple[str, str | None]] = {
    "output_formats": ("output_format", None),
    "metadata_schemes": ("metadata_scheme", None),
    "refiner_swap_methods": ("refiner_swap_method", None),
    "uov_methods": ("uov_method", None),
    "enhance_uov_methods": ("enhance_uov_method", None),
    "outpaint_directions": ("outpaint_selections", None),
    "control_types": ("controlnet_image", "cn_type"),
    "inpaint_engines": ("inpaint_engine", None),
    "mask_models": ("enhance_ctrls", "enhance_mask_model"),
    "cloth_categories": ("enhance_ctrls", "enhance_mask_cloth_category"),
    "sam_models": ("enhance_ctrls", "enhance_mask_sam_model"),
    "enhance_orders": ("enhance_uov_processing_order", None),
    "enhance_prompt_types": ("enhance_uov_prompt_type", None),
}
"""Kind → the field whose control offers its names, and the field of the list's items. The control has what this host really
accepts: some lists are written out in the WebUI's code, and a fork may have changed them there alone."""
