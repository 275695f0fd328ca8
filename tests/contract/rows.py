"""All rows: every field alone, then combinations. Built from `fields`; imported by the tests and by the host's process."""

from __future__ import annotations

from typing import Any

import numpy

from fooocus_api.tests.contract.fields import (
    ANOTHER,
    NOT_DRAWN,
    PLAIN,
    PRESETS,
    RENAMED,
    Row,
    painted,
    picture,
    png,
    sketched,
    uploaded,
)

# ----------------------------------------------------------------------------------------- lists

SIDES = {"cn_img": 0, "cn_stop": 1, "cn_weight": 2, "cn_type": 3}
PROMPTED = {"input_image_checkbox": True, "current_tab": "ip"}
DEFAULT_STOP = DEFAULT_WEIGHT = 0.6
"""Defaults of the wire format; the WebUI's depend on the type."""


def image_prompts(*items: dict[str, Any]) -> Row:
    """Return a row of image prompts in the first places, without items that lack an image."""
    controls: dict[str, Any] = dict(PROMPTED)
    for place, item in enumerate(item for item in items if "cn_img" in item):
        defaults = {"cn_stop": DEFAULT_STOP, "cn_weight": DEFAULT_WEIGHT, "cn_type": "ImagePrompt"}
        for name, value in {**defaults, **item}.items():
            controls[f"ip_ctrls[{4 * place + SIDES[name]}]"] = uploaded(value) if name == "cn_img" else value
    fields = [{**item, "cn_img": png(item["cn_img"])} if "cn_img" in item else item for item in items]
    return Row({"controlnet_image": fields}, controls)


ENHANCE = [
    "enhance_enabled",
    "enhance_mask_dino_prompt",
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
]
"""The controls of one enhance tab, from the top of the page to its bottom."""

TAB = {"enhance_enabled": True, "enhance_mask_dino_prompt": "a face"}
"""Fields that the default mask model requires."""

ENHANCED: dict[str, Any] = {
    "enhance_mask_dino_prompt": "an eye",
    "enhance_prompt": "a red nose",
    "enhance_negative_prompt": "a blue nose",
    "enhance_mask_model": ANOTHER,
    "enhance_mask_cloth_category": ANOTHER,
    "enhance_mask_sam_model": ANOTHER,
    "enhance_mask_text_threshold": 0.35,
    "enhance_mask_box_threshold": 0.45,
    "enhance_mask_sam_max_detections": 2,
    "enhance_inpaint_disable_initial_latent": True,
    "enhance_inpaint_engine": ANOTHER,
    "enhance_inpaint_strength": 0.55,
    "enhance_inpaint_respective_field": 0.65,
    "enhance_inpaint_erode_or_dilate": -5,
    "enhance_mask_invert": True,
}


def enhanced(*tabs: dict[str, Any], **fields: Any) -> Row:
    """Return a row of enhancements in the first places, applied to the generated image."""
    controls: dict[str, Any] = {"enhance_checkbox": True}
    for place, tab in enumerate(tabs):
        for name, value in tab.items():
            controls[f"enhance_ctrls[{len(ENHANCE) * place + ENHANCE.index(name)}]"] = value
    return Row({"enhance_checkbox": True, "enhance_ctrls": list(tabs), **fields}, controls)


LORA = {"enabled": True, "model_name": ANOTHER, "weight": 0.25}
LORA_CONTROLS = {"lora_ctrls[0]": True, "lora_ctrls[1]": ANOTHER, "lora_ctrls[2]": 0.25}


# ---------------------------------------------------------------------------------------- images

UOV = {"uov_input_image": png(picture()), "uov_method": "Vary (Strong)"}
UOV_CONTROLS = {
    "input_image_checkbox": True,
    "current_tab": "uov",
    "uov_input_image": uploaded(picture()),
    "uov_method": "Vary (Strong)",
}
INPAINT = {"inpaint_input_image": png(picture(seed=1)), "inpaint_mask_image_upload": png(painted())}
INPAINT_CONTROLS = {
    "input_image_checkbox": True,
    "current_tab": "inpaint",
    "inpaint_input_image": sketched(picture(seed=1), painted()),
}
UNPAINTED = sketched(picture(seed=1), numpy.zeros_like(painted()))
ROOM = ((5, 0), (16, 12), (0, 0))
"""5 rows above, 16 columns to the left, and to the right 30 % of the image's 41 columns."""
WIDER = sketched(
    numpy.pad(picture(seed=1), ROOM, mode="edge"), numpy.pad(numpy.zeros_like(painted()), ROOM, constant_values=255)
)


ROWS: dict[str, Row] = {
    "nothing": Row({}, {}),
    "image_seed": Row({"image_seed": 123456789012}, {"image_seed": "123456789012"}),
    "aspect_ratios_selection": Row(
        {"aspect_ratios_selection": "704*1408"}, {"aspect_ratios_selection": "704×1408 <span> ∣ 1:2</span>"}
    ),
    **{name: Row({name: value}, {name: value}) for name, value in PLAIN.items()},
    **{name: Row({name: value}, {control: value}) for name, (control, value) in RENAMED.items()},
    **{name: Row({name: value}, {}) for name, value in NOT_DRAWN.items()},
    "save_name": Row({"save_name": "my picture"}, {}, {"save_name": "my picture"}),
    "output_format, as on the wire": Row({"output_format": "jpg"}, {"output_format": "jpeg"}),
    "metadata_scheme, as on the wire": Row({"metadata_scheme": "a111"}, {"metadata_scheme": "a1111"}),
    "booleans as text": Row({"black_out_nsfw": "true"}, {"black_out_nsfw": True}),
    # presets
    "preset": Row({"preset": "everything"}, {}, preset="everything"),
    "preset, and a field": Row(
        {"preset": "everything", "guidance_scale": 9.5}, {"guidance_scale": 9.5}, preset="everything"
    ),
    **{  # the page uses its own number of images if a preset has none
        f"preset, {name}": Row({"preset": name}, {"image_number": 1}, preset=name)
        for name in PRESETS
        if name != "everything"
    },
    # LoRAs
    "loras": Row({"loras": [LORA]}, LORA_CONTROLS),
    "loras, disabled": Row({"loras": [{**LORA, "enabled": False}]}, {**LORA_CONTROLS, "lora_ctrls[0]": False}),
    "loras, in the second place": Row(
        {"loras": [{"model_name": "None"}, LORA]},
        {"lora_ctrls[1]": "None", "lora_ctrls[3]": True, "lora_ctrls[4]": ANOTHER, "lora_ctrls[5]": 0.25},
    ),
    # image prompts
    "cn_img": image_prompts({"cn_img": picture()}),
    "cn_stop": image_prompts({"cn_img": picture(), "cn_stop": 0.35}),
    "cn_weight": image_prompts({"cn_img": picture(), "cn_weight": 1.25}),
    **{
        f"cn_type {kind}": image_prompts({"cn_img": picture(), "cn_type": kind})
        for kind in ("ImagePrompt", "PyraCanny", "CPDS", "FaceSwap")
    },
    "controlnet_image, several": image_prompts(
        {"cn_img": picture(seed=2), "cn_type": "CPDS", "cn_stop": 0.1, "cn_weight": 0.2},
        {"cn_type": "FaceSwap"},
        {"cn_img": picture(seed=3), "cn_type": "CPDS", "cn_stop": 0.3, "cn_weight": 0.4},
    ),
    # vary and upscale
    "uov_input_image": Row(UOV, UOV_CONTROLS),
    "uov_method": Row({**UOV, "uov_method": "Upscale (1.5x)"}, {**UOV_CONTROLS, "uov_method": "Upscale (1.5x)"}),
    "upscale_multiple": Row(
        {**UOV, "uov_method": "Upscale (Custom)", "upscale_multiple": 1.7},
        {**UOV_CONTROLS, "uov_method": "Upscale (Custom)"},
        {"upscale_multiple": 1.7},
    ),
    # inpaint and outpaint
    "inpaint_input_image": Row(INPAINT, INPAINT_CONTROLS),
    "inpaint_mask_image_upload": Row(
        {**INPAINT, "inpaint_mask_image_upload": png(numpy.where(painted() > 0, 200, 100).astype(numpy.uint8))},
        INPAINT_CONTROLS,
    ),
    "outpaint_selections": Row(
        {"inpaint_input_image": INPAINT["inpaint_input_image"], "outpaint_selections": ["Left", "Bottom"]},
        {**INPAINT_CONTROLS, "inpaint_input_image": UNPAINTED, "outpaint_selections": ["Left", "Bottom"]},
    ),
    "outpaint_selections, with a mask": Row(
        {**INPAINT, "outpaint_selections": ["Top"]}, {**INPAINT_CONTROLS, "outpaint_selections": ["Top"]}
    ),
    "outpaint_distance": Row(
        {
            "inpaint_input_image": INPAINT["inpaint_input_image"],
            "outpaint_selections": ["Left", "Top", "Right"],
            "outpaint_distance": [16, 5, 0, 0],
        },
        {
            **INPAINT_CONTROLS,
            "inpaint_input_image": WIDER,  # the page has no control for this: the user extends the image beforehand
            "inpaint_ctrls[3]": 1.0,
            "inpaint_ctrls[4]": 1.0,
        },
    ),
    # mixed
    "mixing_image_prompt_and_vary_upscale, with images": Row(
        {
            **UOV,
            **image_prompts({"cn_img": picture(seed=4)}).fields,
            "mixing_image_prompt_and_vary_upscale": True,
        },
        {
            **UOV_CONTROLS,
            **image_prompts({"cn_img": picture(seed=4)}).controls,
            "mixing_image_prompt_and_vary_upscale": True,
        },
    ),
    "mixing_image_prompt_and_inpaint, with images": Row(
        {
            **INPAINT,
            **image_prompts({"cn_img": picture(seed=4)}).fields,
            "mixing_image_prompt_and_inpaint": True,
        },
        {
            **INPAINT_CONTROLS,
            **image_prompts({"cn_img": picture(seed=4)}).controls,
            "mixing_image_prompt_and_inpaint": True,
        },
    ),
    # enhance
    "enhance_uov_method": Row(
        {"enhance_checkbox": True, "enhance_uov_method": ANOTHER},
        {"enhance_checkbox": True, "enhance_uov_method": ANOTHER},
    ),
    "enhance_enabled": enhanced(TAB),
    **{name: enhanced({**TAB, name: value}) for name, value in ENHANCED.items()},
    "enhance_ctrls, several": enhanced(
        {**TAB, "enhance_prompt": "first"},
        {"enhance_enabled": False, "enhance_prompt": "second"},
        {**TAB, "enhance_prompt": "third"},
    ),
    "enhance_input_image": Row(
        {
            "enhance_input_image": png(picture(seed=5)),
            "enhance_ctrls": [TAB],
        },
        {
            "input_image_checkbox": True,
            "current_tab": "enhance",
            "enhance_checkbox": True,
            "enhance_input_image": uploaded(picture(seed=5)),
            "enhance_ctrls[0]": True,
            "enhance_ctrls[1]": TAB["enhance_mask_dino_prompt"],
        },
    ),
}
