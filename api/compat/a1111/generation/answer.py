"""The answer to a request that generates: images in base64, and their parameters as JSON text."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import Response

from .....images.codecs.embedded_parameters import read_parameters
from .....tasks.model.task import Task
from ....context import Context
from ..names.checkpoints import titled
from ..names.samplers import display_name
from ..pictures import Size
from ..routing import json_response
from .bodies import GenerationBody, GenerationResponse, without_images

NOT_RETURNED = ("init_images", "mask", "url", "auth")


@dataclass(frozen=True)
class Result:
    """The images of an answer with their seeds, and the parameters with which they were generated.

    `task` is the first one, None if nothing had to be generated.
    """

    files: Sequence[bytes]
    seeds: Sequence[int]
    values: Mapping[str, Any]
    size: Size
    task: Task | None = None


def response_of(body: GenerationBody, result: Result, context: Context) -> Response:
    """Return the answer. Encodes the images: off the event loop."""
    images = [base64.b64encode(file).decode("ascii") for file in result.files] if body.send_images else []
    info = json.dumps(_info(body, result, context), ensure_ascii=False)
    return json_response(GenerationResponse(images=images, parameters=_as_sent(body), info=info))


def _as_sent(body: GenerationBody) -> dict[str, Any]:
    """Return the request with its defaults, without images and a client's own server."""
    return {
        name: without_images(value)
        for name, value in body.model_dump(warnings="none").items()
        if name not in NOT_RETURNED
    }


def _info(body: GenerationBody, result: Result, context: Context) -> dict[str, Any]:
    values, number = result.values, len(result.files)
    seeds = list(result.seeds)
    seed = seeds[0] if seeds else int(values.get("image_seed") or 0)
    model = titled(context.host.catalog, str(values.get("base_model_name") or _default(context, "base_model_name")))
    sampler = values.get("sampler_name") or _default(context, "sampler_name")
    return {
        "prompt": body.prompt,
        "all_prompts": [body.prompt] * number,
        "negative_prompt": body.negative_prompt,
        "all_negative_prompts": [body.negative_prompt] * number,
        "seed": seed,
        "all_seeds": seeds,
        "subseed": seed,
        "all_subseeds": seeds,
        "subseed_strength": 0,
        "width": result.size[0],
        "height": result.size[1],
        "sampler_name": display_name(str(sampler)),
        "cfg_scale": values.get("guidance_scale") or _default(context, "guidance_scale"),
        "steps": _steps(values, context),
        "batch_size": max(body.batch_size, 1),
        "restore_faces": False,
        "face_restoration_model": None,
        "sd_model_name": model.stem,
        "sd_model_hash": model.hash,
        "sd_vae_name": None,
        "sd_vae_hash": None,
        "seed_resize_from_w": -1,
        "seed_resize_from_h": -1,
        "denoising_strength": body.denoising_strength,
        "extra_generation_params": {},
        "index_of_first_image": 0,
        "infotexts": [_infotext(file, body.prompt) for file in result.files],
        "styles": values.get("style_selections") or [],
        "job_timestamp": datetime.now().strftime("%Y%m%d%H%M%S"),
        "clip_skip": int(values.get("clip_skip") or _default(context, "clip_skip") or 1),
        "is_using_inpainting_conditioning": False,
        "version": f"Fooocus {context.host.info().get('fooocus_version', '')}".strip(),
        "task_id": result.task.task_id if result.task is not None else None,
    }


def _infotext(file: bytes, prompt: str) -> str:
    found = read_parameters(file)
    return found.text if found is not None else prompt


def _default(context: Context, field: str) -> Any:
    return context.host.arguments.default(field)


def _steps(values: Mapping[str, Any], context: Context) -> int:
    own = values.get("overwrite_step")
    if isinstance(own, int) and own > 0:
        return own
    name = values.get("performance_selection") or _default(context, "performance_selection")
    known = (one.steps for one in context.host.catalog.performances() if one.name == name)
    return next(known, None) or 0
