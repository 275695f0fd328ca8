"""SDXL-class checkpoints: a UNet, two text encoders and a VAE each."""

from __future__ import annotations

import torch

from ..checkout import Checkout
from ..parts.clip import Tensors, text_encoders
from ..parts.unet import unet_shapes
from ..parts.vae import identity_taesd
from ..weights import generator, random_state
from ..writers import write_safetensors


def checkpoint(checkout: Checkout) -> None:
    """Write the SDXL-class checkpoints: tiny_sdxl, and tiny_sdxl_b with other weights."""
    for filename in ("tiny_sdxl.safetensors", "tiny_sdxl_b.safetensors"):
        path = checkout.model("checkpoints", filename)
        if checkout.wants(path):
            write_safetensors(checkout, path, checkpoint_tensors(generator(filename)))


def checkpoint_tensors(random: torch.Generator) -> Tensors:
    """Return the tensors of a checkpoint."""
    tensors: Tensors = {}
    for name, tensor in random_state(unet_shapes(), random, torch.float16).items():
        # a weaker last layer: prompts, LoRAs and so on still change the image but do not saturate it
        tensors["model.diffusion_model." + name] = tensor * 0.25 if name == "out.2.weight" else tensor
    for name, tensor in identity_taesd(random).items():
        tensors["first_stage_model." + name] = tensor
    tensors.update(text_encoders(random))
    return tensors
