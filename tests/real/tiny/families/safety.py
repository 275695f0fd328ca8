"""The checker of unsafe pictures."""

from __future__ import annotations

import torch

from ..checkout import Checkout
from ..weights import shapes_of
from ..windows import Windows
from ..writers import write_pickle


def safety_checker(checkout: Checkout) -> None:
    """Write the NSFW checker (CLIP ViT-L). With --nsfw all it blacks out every picture, with none no picture."""
    path = checkout.model("safety_checker", "stable-diffusion-safety-checker.bin")
    if not checkout.wants(path):
        return
    from extras.safety_checker.models.safety_checker import StableDiffusionSafetyChecker
    from transformers import CLIPConfig

    config = CLIPConfig.from_json_file(str(checkout.root / "extras" / "safety_checker" / "configs" / "config.json"))
    state = Windows("safety").state(shapes_of(lambda: StableDiffusionSafetyChecker(config)))
    threshold = -2.0 if checkout.nsfw == "all" else 2.0  # the threshold of a cosine
    state["concept_embeds_weights"] = torch.full((17,), threshold)
    state["special_care_embeds_weights"] = torch.full((3,), 2.0)
    write_pickle(checkout, path, state)
