"""The bodies of Fooocus-API's generation routes, with the types and ranges of the running host."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.fields import FieldInfo

from ....schemas.generate import MAX_LIST_LENGTH, CommonRequest
from ....schemas.items import IMAGE, EnhanceControl, ImageText
from .kinds import Kind

SAME = (
    "prompt",
    "negative_prompt",
    "performance_selection",
    "aspect_ratios_selection",
    "image_number",
    "sharpness",
    "guidance_scale",
    "refiner_switch",
    "read_wildcards_in_order",
    "require_base64",
    "async_process",
    "save_name",
)
"""Fields that mean the same in a generate request, and are checked alike."""
ADVANCED = (
    "disable_preview",
    "disable_intermediate_results",
    "disable_seed_increment",
    "adm_scaler_positive",
    "adm_scaler_negative",
    "adm_scaler_end",
    "adaptive_cfg",
    "clip_skip",
    "overwrite_step",
    "overwrite_width",
    "overwrite_height",
    "overwrite_vary_strength",
    "overwrite_upscale_strength",
    "mixing_image_prompt_and_vary_upscale",
    "mixing_image_prompt_and_inpaint",
    "debugging_cn_preprocessor",
    "skipping_cn_preprocessor",
    "canny_low_threshold",
    "canny_high_threshold",
    "controlnet_softness",
    "freeu_enabled",
    "freeu_b1",
    "freeu_b2",
    "freeu_s1",
    "freeu_s2",
    "debugging_inpaint_preprocessor",
    "inpaint_disable_initial_latent",
    "inpaint_strength",
    "inpaint_respective_field",
    "inpaint_erode_or_dilate",
    "black_out_nsfw",
    "vae_name",
    "debugging_dino",
    "dino_erode_or_dilate",
    "debugging_enhance_masks_checkbox",
)
"""Members of `advanced_params` that are fields of a generate request."""
ADVANCED_NAMES = ("sampler_name", "scheduler_name", "refiner_swap_method", "inpaint_engine")
"""Members of `advanced_params` with a name that need not be one of the host's."""
SIDES = ("left", "top", "right", "bottom")
MAX_TEXT_LENGTH = 20_000
"""Characters of names and of lists as text."""


Text = Annotated[str, Field(max_length=MAX_TEXT_LENGTH)]


class Body(BaseModel):
    """A body whose unknown members are kept, to be reported."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False, protected_namespaces=())


@dataclass(frozen=True)
class Bodies:
    """The models of the bodies: of `advanced_params`, and of each route by its kind.

    `text_v1` is that of `/v1/generation/text-to-image`, which takes no image prompts.
    """

    advanced: type[Body]
    text_v1: type[Body]
    of_kind: dict[Kind, type[Body]]


def bodies_of(model: type[CommonRequest]) -> Bodies:
    """Return the models for the generate request of the running host. A member that is null counts as not sent."""
    advanced = create_model(
        "AdvancedParams",
        __base__=Body,
        __doc__="Further parameters.",
        **_same(model, ADVANCED),
        **{name: _name(f"The {name.replace('_', ' ')}; an unknown one is ignored.") for name in ADVANCED_NAMES},
        overwrite_switch=(
            float | None,
            Field(
                default=None, ge=-1, le=200, description="A share up to 1, or a step; 0 or less uses refiner_switch."
            ),
        ),
        invert_mask_checkbox=(bool | None, Field(default=None, description="Inpaint what the mask leaves black.")),
        inpaint_advanced_masking_checkbox=(bool | None, Field(default=None, description="Has no effect.")),
    )
    common = create_model("Common", __base__=Body, **_same(model, SAME), **_common(model, advanced))
    prompts = {"image_prompts": _list(_item(model, "controlnet_image"), "Images that guide the generation.")}
    inpaint = {**_inpaint(), **prompts}
    text = {"__base__": common, "__doc__": "A text to image."}
    return Bodies(
        advanced,
        _model("LegacyTextToImage", common, "A text to image.", {}),
        {
            Kind.TEXT: _model("LegacyTextToImageWithPrompts", common, text["__doc__"], prompts),
            Kind.UPSCALE: _model("LegacyUpscale", common, "An image to vary or upscale.", {**_upscale(), **prompts}),
            Kind.INPAINT: _model("LegacyInpaint", common, "An image to inpaint or outpaint.", inpaint),
            Kind.PROMPT: _model(
                "LegacyImagePrompt", common, "Image prompts, with an image to inpaint or not.", inpaint
            ),
            Kind.ENHANCE: _model("LegacyEnhance", common, "An image to enhance.", _enhance(model)),
        },
    )


def _model(name: str, base: type[Body], text: Any, fields: dict[str, Any]) -> type[Body]:
    return create_model(name, __base__=base, __doc__=text, **fields)


def _same(model: type[CommonRequest], names: tuple[str, ...]) -> dict[str, Any]:
    """Return fields of the generate request by their names, each of them optional."""
    fields: dict[str, Any] = {}
    for name in names:
        own = model.model_fields[name]
        field = FieldInfo.merge_field_infos(own)
        field.default = None
        fields[name] = (own.annotation | None, field)  # type: ignore[operator]  # a type at run time
    return fields


def _common(model: type[CommonRequest], advanced: type[Body]) -> dict[str, Any]:
    return {
        "style_selections": _texts("Styles, as a list or separated by commas; unknown ones are ignored."),
        "image_seed": (
            int | None,
            Field(default=None, description="The seed of the first image; -1 and any out of range for a random one."),
        ),
        "base_model_name": _name("The checkpoint; an unknown one is ignored."),
        "refiner_model_name": _name("The second checkpoint; an unknown one is ignored."),
        "loras": _list(_item(model, "loras"), "LoRAs; unknown ones are ignored."),
        "advanced_params": (advanced | None, Field(default=None, description="Further parameters.")),
        "save_extension": _name("The file format: png, jpg or webp; any other is ignored."),
        "save_meta": (bool | None, Field(default=None, description="Embed the parameters in the image files.")),
        "meta_scheme": _name("The scheme of the embedded parameters: fooocus or a111."),
        "webhook_url": _name("A URL that is sent job_id and job_result; a text that is no URL is ignored."),
    }


def _upscale() -> dict[str, Any]:
    return {
        "input_image": _image("The image."),
        "uov_method": _name("The method; Upscale (2x) by default."),
        "upscale_value": (
            float | None,
            Field(default=None, ge=1, le=5, description="The factor of the method Upscale (Custom)."),
        ),
    }


def _inpaint() -> dict[str, Any]:
    distances = {
        f"outpaint_distance_{side}": (
            int | None,
            Field(default=None, ge=-1, le=4096, description=f"Pixels to add; 0 and -1 add 30 %. Needs {side.title()}."),
        )
        for side in SIDES
    }
    return {
        "input_image": _image("The image."),
        "input_mask": _image("The mask; white is generated again."),
        "inpaint_additional_prompt": _name("A text before the prompt."),
        "outpaint_selections": _texts("Sides to extend: Left, Right, Top, Bottom."),
        **distances,
    }


def _enhance(model: type[CommonRequest]) -> dict[str, Any]:
    own = _item(model, "enhance_ctrls")
    erode = EnhanceControl.model_fields["enhance_inpaint_erode_or_dilate"]
    item = create_model(
        "LegacyEnhanceControl",
        __base__=own,
        __doc__=own.__doc__,
        enhance_inpaint_erode_or_dilate=(float, Field(default=0, ge=-64, le=64, description=erode.description)),
    )
    return {
        "enhance_input_image": _image("The image; without one, a generated image is enhanced."),
        "enhance_checkbox": (bool | None, Field(default=None, description="Has no effect.")),
        "enhance_uov_method": _name("The method to vary or upscale; Vary (Strong) by default."),
        "enhance_uov_processing_order": _name("The time at which to vary or upscale."),
        "enhance_uov_prompt_type": _name("The prompts with which to vary or upscale."),
        "save_final_enhanced_image_only": (bool | None, Field(default=None, description="Is always true.")),
        "enhance_ctrlnets": _list(item, "The enhancements."),
    }


def _item(model: type[CommonRequest], field: str) -> Any:
    """Return the model of the items of a list field."""
    (item,) = model.model_fields[field].annotation.__args__  # type: ignore[union-attr]
    return item


def _list(item: Any, description: str) -> Any:
    return (list[item] | None, Field(default=None, max_length=MAX_LIST_LENGTH, description=description))


def _name(description: str) -> Any:
    return (str | None, Field(default=None, max_length=MAX_TEXT_LENGTH, description=description))


def _texts(description: str) -> Any:
    return (
        Annotated[list[Text], Field(max_length=MAX_LIST_LENGTH)] | Text | None,
        Field(default=None, description=description),
    )


def _image(description: str) -> Any:
    return (ImageText, Field(default=None, description=f"{description} {IMAGE}"))
