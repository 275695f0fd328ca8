"""Always-on scripts: ControlNet's units as image prompts, ADetailer as an enhancement; others only if they are switched off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .....asgi.error_codes import FieldErrorCode
from .....asgi.problem import shortened
from ....responses.problems import invalid_field
from ....schemas.items import MAX_PROMPT_LENGTH
from ..names.controlnet import CANNY, DEPTH, control_type, has_no_preprocessor
from ..routing import Refused
from .values import MAX_NAME_LENGTH, clamped

CONTROLNET, ADETAILER = "controlnet", "adetailer"
WITHOUT_EFFECT = ("seed", "sampler", "refiner", "api payload", "extra options")
"""Scripts, in lower case, that AUTOMATIC1111 itself has, and whose members requests have as well."""
ARGS = "alwayson_scripts.ControlNet.args"
MAX_UNITS = 32
PARTS = {"face": "face", "hand": "hand", "person": "person", "yolo-world": ""}
"""Part of the name of a model of ADetailer → what it detects."""
OFF = ("false", "off", "none", "")


def apply_scripts(
    scripts: Mapping[str, Any], values: dict[str, Any], ignored: list[str], init_image: str | None
) -> None:
    """Add the fields for always-on scripts to those of a generate request.

    Args:
        init_image: the image of a unit without one.

    Raises:
        Refused: 422, there is no such script.
        InvalidFields: a unit can't be used.
    """
    for name, block in scripts.items():
        args = _args(block)
        written = _text(name).strip().casefold()
        if written == CONTROLNET:
            _add_image_prompts(args, values, ignored, init_image)
        elif written in WITHOUT_EFFECT or _is_off(args):
            continue
        elif written == ADETAILER:
            _add_enhancements(args, values)
        else:
            raise Refused(422, f"always on script {shortened(name)} not found")


def _args(block: Any) -> list[Any]:
    args = block.get("args") if isinstance(block, dict) else block
    if isinstance(args, dict):
        return list(args.values())
    return args if isinstance(args, list) else []


def _is_off(args: list[Any]) -> bool:
    """Return whether a script's arguments switch it off: there are none, or the first one does, or its parts have no model."""
    if not args:
        return True
    first = args[0]
    if isinstance(first, dict):
        enabled = first.get("enabled", first.get("enable", True))
        return not enabled or (_models(args) != [] and not any(_models(args)))
    if first is None or first is False or (isinstance(first, str) and _text(first).strip().casefold() in OFF):
        return True
    models = _models(args)
    return models != [] and not any(models)


def _models(args: list[Any]) -> list[str]:
    """Return the models of ADetailer's parts, "" for those without one."""
    parts = [part for part in args if isinstance(part, dict) and "ad_model" in part]
    names = [_text(part["ad_model"]) if part.get("ad_tab_enable", True) else "" for part in parts]
    return ["" if name.strip().casefold() in OFF else name for name in names]


def _add_image_prompts(args: list[Any], values: dict[str, Any], ignored: list[str], init_image: str | None) -> None:
    units = [(index, unit) for index, unit in enumerate(args) if _is_on(unit)]
    if len(units) > MAX_UNITS:
        message = f"has {len(units)} units; at most {MAX_UNITS} can be read, and Fooocus's limit may be lower"
        raise invalid_field(ARGS, FieldErrorCode.WRONG_COUNT, message)
    prompts, plain = [], []
    for index, unit in units:
        prompts.append(_image_prompt(f"{ARGS}[{index}]", unit, ignored, init_image))
        if prompts[-1]["cn_type"] in (CANNY, DEPTH):
            plain.append(has_no_preprocessor(_text(unit.get("module"))))
    if prompts:
        values["controlnet_image"] = prompts
    if plain and all(plain):
        values["skipping_cn_preprocessor"] = True
    elif any(plain):
        ignored.append(f"{ARGS}.module")


def _is_on(unit: Any) -> bool:
    enabled = unit.get("enabled", True) if isinstance(unit, dict) else False
    return enabled not in (False, 0, None) and not (
        isinstance(enabled, str) and _text(enabled).strip().casefold() in OFF
    )


def _image_prompt(place: str, unit: dict[str, Any], ignored: list[str], init_image: str | None) -> dict[str, Any]:
    module, model = (_text(unit.get(name)) or "none" for name in ("module", "model"))
    kind = control_type(module, model)
    if kind is None:
        message = (
            f"has module {shortened(module)!r} and model {shortened(model)!r}, for which Fooocus has nothing; use canny, "
            "lineart, softedge, scribble, depth, normal, ip-adapter, reference or a face model"
        )
        raise invalid_field(place, FieldErrorCode.UNSUPPORTED, message)
    image = _image_of(unit) or init_image
    if image is None:
        raise invalid_field(f"{place}.image", FieldErrorCode.REQUIRED, "is required")
    if _number(unit.get("guidance_start"), 0.0) > 0:
        ignored.append(f"{place}.guidance_start")
    return {
        "cn_img": image,
        "cn_type": kind,
        "cn_weight": clamped(_number(unit.get("weight"), 1.0), 0, 2),
        "cn_stop": clamped(_number(unit.get("guidance_end"), 1.0), 0, 1),
    }


def _image_of(unit: dict[str, Any]) -> str | None:
    for name in ("image", "input_image"):
        image = unit.get(name)
        if isinstance(image, dict):
            image = image.get("image")
        if isinstance(image, str) and _text(image).strip():
            return image
    return None


def _text(value: Any, length: int = MAX_NAME_LENGTH) -> str:
    """Return the beginning of a text, an empty one for anything else."""
    return value[:length] if isinstance(value, str) else ""


def _number(value: Any, default: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return default
    return number if -1e6 < number < 1e6 else default


def _add_enhancements(args: list[Any], values: dict[str, Any]) -> None:
    controls = list(_enhancements(args))
    if controls:
        values["enhance_checkbox"] = True
        values["enhance_ctrls"] = controls
        values["save_final_enhanced_image_only"] = True


def _enhancements(args: list[Any]) -> Iterator[dict[str, Any]]:
    for part in args[:MAX_UNITS]:
        if not isinstance(part, dict) or not any(_models([part])):
            continue
        model = _text(part["ad_model"])
        detected = next((text for word, text in PARTS.items() if word in model.casefold()), None)
        detected = detected or _text(part.get("ad_model_classes")).strip()
        if not detected:
            raise Refused(422, f"model {shortened(model)} of ADetailer not found")
        yield {
            "enhance_enabled": True,
            "enhance_mask_model": "sam",
            "enhance_mask_dino_prompt": detected,
            "enhance_prompt": _text(part.get("ad_prompt"), MAX_PROMPT_LENGTH + 1),
            "enhance_negative_prompt": _text(part.get("ad_negative_prompt"), MAX_PROMPT_LENGTH + 1),
            "enhance_mask_box_threshold": clamped(_number(part.get("ad_confidence"), 0.3), 0.05, 1),
            "enhance_inpaint_strength": clamped(_number(part.get("ad_denoising_strength"), 0.4), 0.01, 1),
        }
