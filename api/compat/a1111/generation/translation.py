"""Translates the members that both requests have into fields of a generate request."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from .....asgi.error_codes import FieldErrorCode
from .....asgi.problem import shortened
from ....context import Context
from ....responses.problems import invalid_field
from ....validation.sizes import size_of
from ...sizes import ImpossibleSize, SizePlan, plan_size
from ..names.checkpoints import NO_FILE, find_file
from ..names.samplers import AUTOMATIC, NEAREST, find_sampler, find_scheduler
from ..routing import Refused
from ..settings import KEPT, Settings, clip_of
from .bodies import GenerationBody
from .values import clamped

USUAL_SIDE = 512
"""Pixels of a side that is missing while the other one is given."""
USUAL = (AUTOMATIC, "", "none", "use same sampler", "use same scheduler")
"""Texts, in lower case, that name no sampler or scheduler."""
MAX_STEPS = 200
MAX_IMAGES = 32
GUIDANCE = (1.0, 30.0)
NEUTRAL: dict[str, tuple[Any, ...]] = {
    "do_not_save_grid": (True, False),
    "do_not_save_samples": (False,),
    "eta": (0, 1, None),
    "firstphase_height": (0,),
    "firstphase_width": (0,),
    "hr_upscaler": ("None", "Latent"),
    "image_cfg_scale": (0, 1.5),
    "include_init_images": (True, False),
    "initial_noise_multiplier": (0, 1),
    "mask_blur": (0, 4),
    "restore_faces": (False,),
    "s_churn": (0,),
    "s_min_uncond": (0,),
    "s_noise": (1,),
    "s_tmax": (0,),
    "s_tmin": (0,),
    "save_images": (True, False),
    "script_args": ([], {}, ""),
    "seed_resize_from_h": (-1, 0),
    "seed_resize_from_w": (-1, 0),
    "subseed": (-1,),
    "subseed_strength": (0,),
    "tiling": (False,),
    "url": (),
    "auth": (),
}
"""Member without an effect → values with which it would have none in AUTOMATIC1111 either, so that it is not named."""
NEVER_NAMED = ("url", "auth")
"""Members that a client adds for its own server."""
NAMES = {
    "image_seed": "seed",
    "overwrite_step": "steps",
    "guidance_scale": "cfg_scale",
    "image_number": "batch_size",
    "style_selections": "styles",
    "base_model_name": "override_settings.sd_model_checkpoint",
    "vae_name": "override_settings.sd_vae",
    "clip_skip": "override_settings.CLIP_stop_at_last_layers",
    "performance_selection": "override_settings.fooocus_performance",
    "scheduler_name": "scheduler",
    "overwrite_width": "width",
    "overwrite_height": "height",
    "controlnet_image": "alwayson_scripts.ControlNet.args",
    "enhance_ctrls": "alwayson_scripts.ADetailer.args",
    "uov_input_image": "init_images",
    "inpaint_input_image": "init_images",
    "inpaint_mask_image_upload": "mask",
    "overwrite_vary_strength": "denoising_strength",
    "inpaint_strength": "denoising_strength",
    "overwrite_upscale_strength": "denoising_strength",
    "upscale_multiple": "hr_scale",
    "refiner_model_name": "refiner_checkpoint",
    "refiner_switch": "refiner_switch_at",
}
"""Field of a generate request → the member that it comes from."""


class Draft:
    """The fields of a generate request, and the names of members that have no effect."""

    def __init__(self, body: GenerationBody, settings: Settings, context: Context) -> None:
        """Translate the common members. Reads the model folders: off the event loop.

        Raises:
            Refused: the host has no such sampler, checkpoint or script.
            InvalidFields: a member has a value that can't be used.
        """
        self.values: dict[str, Any] = {
            "prompt": body.prompt,
            "negative_prompt": body.negative_prompt,
            "image_number": _image_number(body),
            "output_format": "png",
            "save_metadata_to_images": True,
            "metadata_scheme": "a1111",
            **settings.values(),
        }
        self.ignored: list[str] = list(_without_effect(body))
        self._context = context
        if body.seed >= 0:
            self.values["image_seed"] = body.seed
        if body.steps is not None and body.steps > 0:
            self.values["overwrite_step"] = min(body.steps, MAX_STEPS)
        if body.cfg_scale is not None:
            self.values["guidance_scale"] = clamped(body.cfg_scale, *GUIDANCE)
        if (layers := clip_of(body.clip_skip)) is not None:
            self.values["clip_skip"] = layers
        self._set_styles(body.styles)
        fields, is_exact = sampling_fields(body.sampler_name or body.sampler_index, body.scheduler, context)
        self.values.update(fields)
        if not is_exact:
            self.ignored.append("scheduler")
        self._set_refiner(body)

    def _set_styles(self, styles: Any) -> None:
        names = [name for name in _texts(styles) if name.strip().casefold() not in ("", "none")]
        known = self._context.host.catalog.names("styles")
        own = [name for name in names if name in known]
        if len(own) < len(names):
            self.ignored.append("styles")
        if own:
            self.values["style_selections"] = own

    def _set_refiner(self, body: GenerationBody) -> None:
        name = (body.refiner_checkpoint or "").strip()
        if name.casefold() in NO_FILE:
            return
        file = find_file(self._context.host.catalog, "model_files", name)
        if file is None:
            raise Refused(404, "Model not found")
        self.values["refiner_model_name"] = file
        if body.refiner_switch_at is not None:
            self.values["refiner_switch"] = clamped(body.refiner_switch_at, 0.1, 1)


def sampling_fields(sampler: str | None, scheduler: str | None, context: Context) -> tuple[dict[str, str], bool]:
    """Return the fields for a sampler and a scheduler, and whether the host has that very scheduler. A text that means the usual
    one gives no field.

    Raises:
        Refused: 404, the host has no such sampler.
    """
    catalog, fields = context.host.catalog, dict[str, str]()
    if sampler and sampler.strip().casefold() not in USUAL:
        found = find_sampler(sampler, catalog.names("samplers"))
        if found is None:
            raise Refused(404, "Sampler not found")
        fields["sampler_name"] = found[0]
        if found[1] is not None and found[1] in catalog.names("schedulers"):
            fields["scheduler_name"] = found[1]
    if not scheduler or scheduler.strip().casefold() in USUAL:
        return fields, True
    own = find_scheduler(scheduler, catalog.names("schedulers"))
    if own is not None:
        fields["scheduler_name"] = own
    return fields, own is not None and scheduler.strip().casefold() not in NEAREST


def asked_size(body: GenerationBody, otherwise: tuple[int, int] | None = None) -> tuple[int, int] | None:
    """Return the width and height of a request; `otherwise` if it has neither."""
    width, height = (side if side is not None and side > 0 else None for side in (body.width, body.height))
    if width is None and height is None:
        return otherwise
    return width or USUAL_SIDE, height or USUAL_SIDE


def usual_size(context: Context) -> tuple[int, int]:
    """Return the size in which the host generates by default."""
    listed = context.host.catalog.names("aspect_ratios")
    written = str(context.host.arguments.default("aspect_ratios_selection") or "")
    return size_of(written, listed) or (1024, 1024)


def planned(size: tuple[int, int], context: Context) -> SizePlan:
    """Return how an image of a size is generated.

    Raises:
        InvalidFields: no image can have that size.
    """
    try:
        return plan_size(size, context.host.catalog.names("aspect_ratios"))
    except ImpossibleSize as error:
        member = "width" if size[0] >= size[1] else "height"
        raise invalid_field(member, FieldErrorCode.OUT_OF_RANGE, str(error)) from error


def check_script(body: GenerationBody) -> None:
    """Refuse a script.

    Raises:
        Refused: 422, in AUTOMATIC1111's words.
    """
    if body.script_name and body.script_name.strip().casefold() != "none":
        raise Refused(422, f"Script '{shortened(body.script_name)}' not found")


def _image_number(body: GenerationBody) -> int:
    number = body.image_number
    if number > MAX_IMAGES:
        message = f"times n_iter is {number}; at most {MAX_IMAGES} images are allowed"
        raise invalid_field("batch_size", FieldErrorCode.OUT_OF_RANGE, message)
    return number


def _without_effect(body: GenerationBody) -> Iterator[str]:
    """Yield the names of members that were sent and have no effect, short of those with a value that has none anyway."""
    for name, value in (body.model_extra or {}).items():
        if value is not None and name not in NEVER_NAMED and not _is_neutral(value, NEUTRAL.get(name, ())):
            yield name
    for name, value in body.override_settings.items():
        if name not in KEPT and value is not None:
            yield f"override_settings.{name}"


def _is_neutral(value: Any, neutral: Collection[Any]) -> bool:
    return any(value == one for one in neutral)


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts in a list and in the lists within it."""
    for item in value if isinstance(value, list) else ():
        if isinstance(item, str):
            yield item
        elif isinstance(item, list):
            yield from (one for one in item if isinstance(one, str))
