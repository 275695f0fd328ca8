"""Bodies of Fooocus-API in terms of a generate request. What it forgave is left out, and named. Off the event loop."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from ....context import Context
from ....responses.problems import FieldError
from ....schemas.generate import DISABLED, UPSCALE_CUSTOM
from ....schemas.items import is_no_image
from ....validation.validation import is_http_url
from .bodies import ADVANCED, ADVANCED_NAMES, SAME, SIDES, Body
from .forms import list_of
from .kinds import Kind
from .known import Known, without_loras
from .masks import WHITE

MAX_SEED = 2**63 - 1
DEFAULT_METHOD, DEFAULT_ENHANCEMENT = "Upscale (2x)", "Vary (Strong)"
DEFAULT_DINO_PROMPT = "face"
MIN_SWITCH = 0.1
"""The least share of the steps before the refiner takes over."""
MASK = "inpaint_mask_image_upload"
LEGACY_NAMES = {
    "uov_input_image": "input_image",
    "inpaint_input_image": "input_image",
    MASK: "input_mask",
    "upscale_multiple": "upscale_value",
    "controlnet_image": "image_prompts",
    "enhance_ctrls": "enhance_ctrlnets",
    "output_format": "save_extension",
    "save_metadata_to_images": "save_meta",
    "metadata_scheme": "meta_scheme",
    **{name: f"advanced_params.{name}" for name in (*ADVANCED, *ADVANCED_NAMES, "overwrite_switch")},
}
"""Field of a generate request → its name in a body of Fooocus-API, where that differs."""


@dataclass
class Translation:
    """Fields of a generate request, and the names of the members that have no effect.

    `inverted` if the mask has to be inverted.
    """

    values: dict[str, Any] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)
    inverted: bool = False


def legacy_field(error: FieldError) -> FieldError:
    """Return an error about a field of a generate request with Fooocus-API's name of the field."""
    own, rest = re.match(r"(\w*)(.*)", error.field, re.DOTALL).groups()  # type: ignore[union-attr]  # matches any text
    if own == "outpaint_distance" and (index := re.fullmatch(r"\[([0-3])\]", rest)):
        return error.model_copy(update={"field": f"outpaint_distance_{SIDES[int(index[1])]}"})
    return error.model_copy(update={"field": LEGACY_NAMES.get(own, own) + rest})


def translate(kind: Kind, body: Body, context: Context, *, one_image: bool, is_form: bool) -> Translation:
    """Return a body as fields of a generate request.

    Args:
        one_image: the response is an image, so that one is generated.
        is_form: the body was a form, some of whose defaults differ.
    """
    return _Translator(kind, body, context).run(one_image=one_image, is_form=is_form)


class _Translator:
    """The translation of one body."""

    def __init__(self, kind: Kind, body: Body, context: Context) -> None:
        self._kind = kind
        self._body = body
        self._arguments = context.host.arguments
        self._known = Known(context.host.catalog)
        self._types = {one.name: one for one in context.host.catalog.control_types()}
        self._values: dict[str, Any] = {}
        self._ignored: list[str] = []
        self._inverted = False

    def run(self, *, one_image: bool, is_form: bool) -> Translation:
        self._ignored += list(self._body.model_extra or ())
        for name in SAME:
            if (value := self._given(name)) is not None:
                self._values[name] = value
        for name in ("prompt", "negative_prompt"):
            if name in self._values:
                self._add_prompt(name, self._values[name])
        if "prompt" not in self._values and not is_form:
            self._values["prompt"] = self._arguments.default("prompt") or ""
        self._add_saving(is_form=is_form)
        self._add_names()
        self._add_advanced()
        if self._kind is Kind.ENHANCE:
            self._add_enhancement()
        else:
            self._add_image_prompts()
        if self._kind is Kind.UPSCALE:
            self._add_upscale()
        elif self._kind in (Kind.INPAINT, Kind.PROMPT):
            self._add_inpaint()
        if one_image:
            if self._values.get("image_number", 1) > 1:
                self._ignored.append("image_number")
            self._values["image_number"] = 1
        return Translation(self._values, self._ignored, self._inverted)

    def _given(self, name: str) -> Any:
        """Return a member of the body, None if it was not sent, is null, or is not a member of this route."""
        return getattr(self._body, name, None) if name in type(self._body).model_fields else None

    def _ignore(self, name: str, value: Any = True) -> None:
        if value:
            self._ignored.append(name)

    # ------------------------------------------------------------------ all routes

    def _add_saving(self, *, is_form: bool) -> None:
        extension, scheme, url = self._given("save_extension"), self._given("meta_scheme"), self._given("webhook_url")
        if extension and not self._known.format(extension):
            self._ignore("save_extension")
        elif extension:
            self._values["output_format"] = extension
        if scheme:
            self._values["metadata_scheme"] = scheme
        saves = self._given("save_meta")
        self._values["save_metadata_to_images"] = not is_form if saves is None else saves
        if url and is_http_url(url):
            self._values["webhook_url"] = url
        else:
            self._ignore("webhook_url", url)
        seed = self._given("image_seed")
        if seed is not None and -1 <= seed <= MAX_SEED:
            self._values["image_seed"] = seed
        else:
            self._ignore("image_seed", seed is not None)

    def _add_names(self) -> None:
        for name, kind in (("base_model_name", "models"), ("refiner_model_name", "refiners")):
            value = self._given(name)
            if name == "refiner_model_name" and value == "":
                value = "None"
            if value and self._known(kind, value):
                self._values[name] = value
            else:
                self._ignore(name, value)
        if (styles := self._given("style_selections")) is not None:
            wanted = list_of(styles)
            self._values["style_selections"] = [name for name in wanted if self._known("styles", name)]
            self._ignore("style_selections", len(self._values["style_selections"]) < len(wanted))
        if (loras := self._given("loras")) is not None:
            self._add_loras(loras)

    def _add_prompt(self, name: str, text: str) -> None:
        self._values[name] = self._known.without_unknown_loras(text) if name == "prompt" else without_loras(text)
        self._ignore(name, self._values[name] != text)

    def _add_loras(self, sent: list[Any]) -> None:
        kept = []
        for index, lora in enumerate(sent):
            self._ignored.extend(f"loras[{index}].{name}" for name in lora.model_extra or ())
            if not lora.enabled or is_no_image(lora.model_name):
                continue
            if self._known("loras", lora.model_name):
                kept.append(lora.model_dump(include=set(type(lora).model_fields)))
            else:
                self._ignore(f"loras[{index}].model_name")
        self._values["loras"] = self._at_most("loras", kept)

    def _at_most(self, name: str, items: list[Any]) -> list[Any]:
        """Return as many items as the host has places for."""
        places = self._arguments.list_sizes().get(name, len(items))
        self._ignore(LEGACY_NAMES.get(name, name), len(items) > places)
        return items[:places]

    def _add_advanced(self) -> None:
        advanced = self._given("advanced_params")
        if advanced is None:
            return
        self._ignored += [f"advanced_params.{name}" for name in advanced.model_extra or ()]
        for name in ADVANCED:
            if (value := getattr(advanced, name)) is not None:
                self._values[name] = value
        for name in ADVANCED_NAMES:
            value = getattr(advanced, name)
            if value and self._known(f"{name.removesuffix('_name')}s", value):
                self._values[name] = value
            else:
                self._ignore(f"advanced_params.{name}", value)
        switch = advanced.overwrite_switch
        if switch is not None and 0 < switch <= 1:
            self._values["refiner_switch"] = max(switch, MIN_SWITCH)
        elif switch is not None and switch > 1:
            self._values["overwrite_switch"] = int(switch)

    def _add_image_prompts(self) -> None:
        prompts = []
        for index, prompt in enumerate(self._given("image_prompts") or ()):
            self._ignored.extend(f"image_prompts[{index}].{name}" for name in prompt.model_extra or ())
            if prompt.cn_img is None:
                continue
            own = self._types.get(prompt.cn_type)
            given = prompt.model_fields_set
            stop = prompt.cn_stop if "cn_stop" in given else None
            weight = prompt.cn_weight if "cn_weight" in given else None
            prompts.append(
                {
                    "cn_img": prompt.cn_img,
                    "cn_type": prompt.cn_type,
                    "cn_stop": stop or (own.stop if own else None),  # 0 stands for the type's own
                    "cn_weight": weight or (own.weight if own else None),
                }
            )
        if prompts:
            self._values["controlnet_image"] = self._at_most("controlnet_image", prompts)

    # ------------------------------------------------------------------ upscale, inpaint, enhance

    def _add_upscale(self) -> None:
        method = self._given("uov_method") or DEFAULT_METHOD
        image, factor = self._given("input_image"), self._given("upscale_value")
        if method.lower() in DISABLED:
            self._ignore("input_image", image)
            return
        self._values.update(uov_method=method, uov_input_image=image)
        if factor is not None and method == UPSCALE_CUSTOM:
            self._values["upscale_multiple"] = factor
        else:
            self._ignore("upscale_value", factor is not None and factor != 1)
        if "controlnet_image" not in self._values:
            return
        if "fast" in method.lower():  # it only enlarges
            del self._values["controlnet_image"]
            self._ignore("image_prompts")
        else:
            self._values["mixing_image_prompt_and_vary_upscale"] = True

    def _add_inpaint(self) -> None:
        advanced = self._given("advanced_params")
        image, mask = self._given("input_image"), self._given("input_mask")
        sides = list_of(self._given("outpaint_selections"))
        self._inverted = bool(advanced is not None and advanced.invert_mask_checkbox)
        if image is None or not (mask or sides or self._inverted):  # Fooocus uses the prompt alone
            self._inverted = False
            for name, value in (("input_image", image), ("input_mask", mask), ("outpaint_selections", sides)):
                self._ignore(name, value)
            return
        if self._inverted:
            self._values["inpaint_erode_or_dilate"] = -self._values.get("inpaint_erode_or_dilate", 0)
        if mask is None and self._inverted:
            mask, self._inverted = WHITE, False
        self._values.update(inpaint_input_image=image, outpaint_selections=sides)
        self._values[MASK] = mask
        self._values.setdefault("inpaint_respective_field", 1.0)
        self._values["inpaint_additional_prompt"] = self._given("inpaint_additional_prompt") or ""
        self._values["outpaint_distance"] = [self._distance(side, sides) for side in SIDES]
        if "controlnet_image" in self._values:
            self._values["mixing_image_prompt_and_inpaint"] = True

    def _distance(self, side: str, sides: list[str]) -> int:
        distance = max(self._given(f"outpaint_distance_{side}") or 0, 0)
        if side.title() in sides:
            return distance
        self._ignore(f"outpaint_distance_{side}", distance)
        return 0

    def _add_enhancement(self) -> None:
        for name in ("enhance_input_image", "enhance_uov_processing_order", "enhance_uov_prompt_type"):
            if value := self._given(name):
                self._values[name] = value
        method = self._given("enhance_uov_method") or DEFAULT_ENHANCEMENT
        self._values.update(enhance_checkbox=True, enhance_uov_method=method, save_final_enhanced_image_only=True)
        for name in ("enhance_checkbox", "save_final_enhanced_image_only"):
            self._ignore(name, self._given(name) is False)
        controls = []
        for index, control in enumerate(self._given("enhance_ctrlnets") or ()):
            self._ignored.extend(f"enhance_ctrlnets[{index}].{name}" for name in control.model_extra or ())
            values = control.model_dump(include=set(type(control).model_fields))
            if "enhance_mask_dino_prompt" not in control.model_fields_set:
                values["enhance_mask_dino_prompt"] = DEFAULT_DINO_PROMPT
            values["enhance_inpaint_erode_or_dilate"] = round(control.enhance_inpaint_erode_or_dilate)
            controls.append(values)
        self._values["enhance_ctrls"] = self._at_most("enhance_ctrls", controls)
