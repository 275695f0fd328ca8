"""Enhance: find parts of an image and generate them again, one after the other, before or after a variation or an upscale."""

from common import connect, picture

api = connect(__doc__)

steps = [
    {
        "enhance_enabled": True,
        "enhance_mask_dino_prompt": "ball",
        "enhance_prompt": "a shining ball",
        "enhance_negative_prompt": "",
        "enhance_mask_model": "sam",
        "enhance_mask_cloth_category": "full",
        "enhance_mask_sam_model": "vit_b",
        "enhance_mask_text_threshold": 0.25,
        "enhance_mask_box_threshold": 0.3,
        "enhance_mask_sam_max_detections": 0,
        "enhance_inpaint_disable_initial_latent": False,
        "enhance_inpaint_engine": "v2.6",
        "enhance_inpaint_strength": 1.0,
        "enhance_inpaint_respective_field": 0.618,
        "enhance_inpaint_erode_or_dilate": 0.0,
        "enhance_mask_invert": False,
    },
    {"enhance_enabled": True, "enhance_mask_model": "isnet-general-use", "enhance_inpaint_strength": 0.5},
    {"enhance_enabled": False},
]
params = {
    "enhance_input_image": picture(),
    "enhance_checkbox": True,
    "enhance_uov_method": "Vary (Subtle)",
    "enhance_uov_processing_order": "Before First Enhancement",
    "enhance_uov_prompt_type": "Original Prompts",
    "enhance_ctrls": steps,
    "performance_selection": "Lightning",
}
api.save("enhance", *api.generate(**params)["result"])
api.save("enhance-final", *api.generate(**params, save_final_enhanced_image_only=True)["result"])
