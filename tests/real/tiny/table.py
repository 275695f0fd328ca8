"""The table of the families."""

from __future__ import annotations

from collections.abc import Callable

from .checkout import Checkout
from .config import config
from .families.checkpoints import checkpoint
from .families.describe import blip, tagger
from .families.expansion import expansion
from .families.face_swap import face
from .families.grounding import grounding_dino
from .families.image_prompts import clip_vision, control_loras, ip_adapters
from .families.inpaint import inpaint
from .families.loras import loras
from .families.masks import rembg, sam
from .families.previews import previews
from .families.safety import safety_checker
from .families.upscaler import upscaler

FAMILIES: dict[str, Callable[[Checkout], None]] = {
    "checkpoint": checkpoint,
    "loras": loras,
    "previews": previews,
    "expansion": expansion,
    "upscaler": upscaler,
    "inpaint": inpaint,
    "control_loras": control_loras,
    "clip_vision": clip_vision,
    "ip_adapters": ip_adapters,
    "face": face,
    "blip": blip,
    "tagger": tagger,
    "rembg": rembg,
    "sam": sam,
    "grounding_dino": grounding_dino,
    "safety_checker": safety_checker,
    "config": config,
}
"""Name → function that writes the family's files, in the order in which they are written."""
