"""Names of other APIs for our request fields: A1111's, ComfyUI's, InvokeAI's, OpenAI's, Fooocus-API's."""

from __future__ import annotations

from collections.abc import Collection

from ...validation.nearest_names import nearest, plain

ALIKE = 0.7
"""Minimum similarity for a name to count as a misspelling."""

TOP: dict[str, str] = {
    "prompt": "positive_prompt positive text text_prompt input_prompt",
    "negative_prompt": "negative neg_prompt uc negative_text",
    "style_selections": "style styles style_preset style_selection",
    "performance_selection": "performance quality speed mode",
    "aspect_ratios_selection": "size aspect_ratio aspect_ratios ratio resolution image_size dimensions",
    "image_number": "n batch_size n_iter num_images num_outputs num_images_per_prompt number_of_images batch_count "
    "samples count",
    "output_format": "format save_extension image_format samples_format file_format extension",
    "image_seed": "seed noise_seed all_seeds subseed",
    "guidance_scale": "cfg_scale cfg guidance cfgscale scale",
    "base_model_name": "model base_model checkpoint ckpt ckpt_name sd_model_checkpoint model_name sd_model unet_name",
    "refiner_model_name": "refiner refiner_model refiner_checkpoint",
    "refiner_switch": "refiner_switch_at refiner_start switch_at",
    "loras": "lora lora_list",
    "overwrite_step": "steps step num_inference_steps num_steps sampling_steps inference_steps",
    "overwrite_width": "width w",
    "overwrite_height": "height h",
    "sampler_name": "sampler sampler_index",
    "scheduler_name": "scheduler noise_schedule schedule_type",
    "vae_name": "vae sd_vae",
    "clip_skip": "clip_stop_at_last_layers skipped_layers clipskip",
    "save_metadata_to_images": "save_meta save_metadata",
    "metadata_scheme": "meta_scheme",
    "uov_input_image": "init_images init_image input_image image source_image reference_image image_url img images",
    "uov_method": "upscale_method vary_method upscaler upscaler_1",
    "upscale_multiple": "upscale_value upscale_factor upscale upscaling_resize hr_scale",
    "overwrite_vary_strength": "denoising_strength denoise denoising strength vary_strength image_strength",
    "overwrite_upscale_strength": "upscale_strength upscale_denoise",
    "inpaint_mask_image_upload": "mask input_mask mask_image inpaint_mask inpaint_mask_image",
    "inpaint_erode_or_dilate": "mask_expansion grow_mask_by",
    "inpaint_disable_initial_latent": "inpainting_fill",
    "inpaint_respective_field": "inpaint_full_res inpaint_full_res_padding",
    "outpaint_selections": "outpaint outpaint_direction outpaint_directions",
    "outpaint_distance": "outpaint_distance_left outpaint_distance_top outpaint_distance_right outpaint_distance_bottom "
    "outpaint_distances",
    "controlnet_image": "image_prompts image_prompt controlnet controlnets control_image controlnet_units ip_adapter "
    "controlnet_images",
    "enhance_ctrls": "enhance_ctrlnets enhance_controls enhancements",
    "generate_image_grid": "save_grid return_grid grid",
    "save_name": "file_name filename filename_prefix output_name",
    "preset": "presets preset_name",
    "require_base64": "response_format base64 b64_json return_base64 send_images",
    "stream_output": "stream streaming",
    "async_process": "async is_async background",
    "webhook_url": "webhook callback callback_url webhook_uri",
    "black_out_nsfw": "nsfw nsfw_filter safety_checker enable_safety_checker",
}
LORAS: dict[str, str] = {
    "model_name": "name lora lora_name model file filename file_name path alias",
    "weight": "strength strength_model strength_clip scale lora_weight lora_scale multiplier lora_strength",
    "enabled": "enable active on is_enabled",
}
IMAGE_PROMPTS: dict[str, str] = {
    "cn_img": "image img input_image cn_image image_url control_image picture url",
    "cn_stop": "stop stop_at guidance_end end end_step_percent end_percent",
    "cn_weight": "weight strength conditioning_scale controlnet_conditioning_scale scale",
    "cn_type": "type module model preprocessor control_type processor",
}
ENHANCEMENTS: dict[str, str] = {
    "enhance_enabled": "enabled enable",
    "enhance_mask_dino_prompt": "mask_dino_prompt dino_prompt dino_prompt_text detection_prompt mask_prompt",
    "enhance_prompt": "prompt",
    "enhance_negative_prompt": "negative_prompt negative",
    "enhance_mask_model": "mask_model model",
    "enhance_mask_cloth_category": "cloth_category mask_cloth_category",
    "enhance_mask_sam_model": "sam_model mask_sam_model",
    "enhance_mask_text_threshold": "text_threshold mask_text_threshold",
    "enhance_mask_box_threshold": "box_threshold mask_box_threshold",
    "enhance_mask_sam_max_detections": "sam_max_detections max_detections mask_sam_max_detections",
    "enhance_inpaint_disable_initial_latent": "inpaint_disable_initial_latent disable_initial_latent",
    "enhance_inpaint_engine": "inpaint_engine engine",
    "enhance_inpaint_strength": "inpaint_strength strength denoising_strength",
    "enhance_inpaint_respective_field": "inpaint_respective_field respective_field",
    "enhance_inpaint_erode_or_dilate": "inpaint_erode_or_dilate erode_or_dilate",
    "enhance_mask_invert": "mask_invert invert invert_mask",
}


def _by_other_name(table: dict[str, str]) -> dict[str, str]:
    return {other: own for own, others in table.items() for other in others.split()}


OWN_NAMES: dict[str, dict[str, str]] = {
    "": _by_other_name(TOP),
    "loras": _by_other_name(LORAS),
    "controlnet_image": _by_other_name(IMAGE_PROMPTS),
    "enhance_ctrls": _by_other_name(ENHANCEMENTS),
}
"""Location in a request → another API's name → our name."""


def our_name(name: str, place: str, known: Collection[str]) -> str | None:
    """Return the field that an unknown name most likely means, None if no field is similar.

    Args:
        place: the list whose item has the name, "" for the request itself.
        known: the fields that exist in that place.
    """
    others = {other: own for other, own in OWN_NAMES.get(place, {}).items() if own in known}
    if own := others.get(plain(name)):
        return own
    near = nearest(name, [*known, *others], cutoff=ALIKE)
    return others.get(near[0], near[0]) if near else None
