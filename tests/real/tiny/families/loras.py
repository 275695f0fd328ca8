"""LoRAs that match the checkpoints."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from ..checkout import Checkout
from ..parts.unet import unet_shapes
from ..weights import generator
from ..writers import write_safetensors

RANK = 2
SCALES = {
    "tiny_lora.safetensors": 1.0,
    "sdxl_lcm_lora.safetensors": 0.1,
    "sdxl_lightning_4step_lora.safetensors": 0.1,
    "sdxl_hyper_sd_4step_lora.safetensors": 0.1,
}


def loras(checkout: Checkout) -> None:
    """Write a LoRA that matches the checkpoints, and the three LoRAs of the fast performance modes."""
    shapes = unet_shapes()
    for filename, scale in SCALES.items():
        path = checkout.model("loras", filename)
        if checkout.wants(path):
            write_safetensors(checkout, path, lora_tensors(shapes, generator(filename), scale))


def lora_tensors(shapes: Mapping[str, torch.Tensor], random: torch.Generator, scale: float) -> dict[str, torch.Tensor]:
    """Return a LoRA on each attention of the UNet, and on one layer of a text encoder."""
    tensors = {}

    def layer(key: str, rows: int, columns: int) -> None:
        tensors[key + ".lora_up.weight"] = (torch.randn(rows, RANK, generator=random) * scale).half()
        tensors[key + ".lora_down.weight"] = (torch.randn(RANK, columns, generator=random) * columns**-0.5).half()

    for name, tensor in shapes.items():
        if name.endswith(".weight") and ("attn1.to_" in name or "attn2.to_" in name):
            key = "lora_unet_" + name.removesuffix(".weight").replace(".", "_")
            layer(key, *tensor.shape)
            tensors[key + ".alpha"] = torch.tensor(float(RANK)).half()
    for name in ("self_attn_q_proj", "self_attn_v_proj"):
        layer(f"lora_te1_text_model_encoder_layers_0_{name}", 768, 768)
    return tensors
