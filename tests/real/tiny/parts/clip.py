"""CLIP encoders: the two text encoders of SDXL, and the layers that they share with the image encoder."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch

from ..writers import Zeros

Tensors = dict[str, torch.Tensor | Zeros]


class LayerNames(NamedTuple):
    """Names of a transformer layer's parameters."""

    norms: tuple[str, str]
    matrices: Callable[[int], dict[tuple[str, str], tuple[int, int]]]
    """Hidden size → {(name of the matrix, name of its bias): shape of the matrix}."""


def pair(name: str) -> tuple[str, str]:
    """Return the names of a linear layer's matrix and bias."""
    return name + ".weight", name + ".bias"


def hugging_face_matrices(hidden: int) -> dict[tuple[str, str], tuple[int, int]]:
    """Return the matrices of a layer as Hugging Face names them."""
    attention = {pair(f"self_attn.{kind}_proj"): (hidden, hidden) for kind in ("q", "k", "v", "out")}
    return {pair("mlp.fc1"): (4 * hidden, hidden), pair("mlp.fc2"): (hidden, 4 * hidden), **attention}


def open_clip_matrices(hidden: int) -> dict[tuple[str, str], tuple[int, int]]:
    """Return the matrices of a layer as OpenCLIP names them."""
    return {
        pair("mlp.c_fc"): (4 * hidden, hidden),
        pair("mlp.c_proj"): (hidden, 4 * hidden),
        ("attn.in_proj_weight", "attn.in_proj_bias"): (3 * hidden, hidden),
        pair("attn.out_proj"): (hidden, hidden),
    }


HUGGING_FACE = LayerNames(("layer_norm1", "layer_norm2"), hugging_face_matrices)
OPEN_CLIP = LayerNames(("ln_1", "ln_2"), open_clip_matrices)


def norm(name: str, width: int) -> Tensors:
    """Return a normalisation layer that scales by one."""
    return {
        name + ".weight": torch.ones(width, dtype=torch.float16),
        name + ".bias": torch.zeros(width, dtype=torch.float16),
    }


def clip_layers(random: torch.Generator, prefix: str, hidden: int, layers: int, names: LayerNames) -> Tensors:
    """Return the transformer layers of a CLIP encoder. Only the first two and last two have (random, 8-bit) matrices;
    in the others they are zero, which makes the layer pass its input on."""
    tensors: Tensors = {}
    for number in range(layers):
        is_random = number < 2 or number >= layers - 2
        base = f"{prefix}{number}."
        for (matrix, bias), shape in names.matrices(hidden).items():
            if is_random:
                values = torch.randn(shape, generator=random) * shape[1] ** -0.5
                tensors[base + matrix] = values.to(torch.float8_e4m3fn)
            else:
                tensors[base + matrix] = Zeros(shape, torch.float8_e4m3fn)
            tensors[base + bias] = Zeros((shape[0],), torch.float16)
        for name in names.norms:
            tensors.update(norm(base + name, hidden))
    return tensors


def text_encoders(random: torch.Generator) -> Tensors:
    """Return the two SDXL text encoders under the names of an SDXL checkpoint. Their sizes are fixed."""

    def rand(*shape: int, std: float = 0.05) -> torch.Tensor:
        return (torch.randn(shape, generator=random) * std).to(torch.float8_e4m3fn)

    tensors: Tensors = {}
    hidden, prefix = 768, "conditioner.embedders.0.transformer.text_model."  # CLIP ViT-L
    tensors[prefix + "embeddings.token_embedding.weight"] = rand(49408, hidden)
    tensors[prefix + "embeddings.position_embedding.weight"] = rand(77, hidden)
    tensors.update(clip_layers(random, prefix + "encoder.layers.", hidden, 12, HUGGING_FACE))
    tensors.update(norm(prefix + "final_layer_norm", hidden))

    hidden, prefix = 1280, "conditioner.embedders.1.model."  # OpenCLIP ViT-bigG
    tensors[prefix + "token_embedding.weight"] = rand(49408, hidden)
    tensors[prefix + "positional_embedding"] = rand(77, hidden)
    tensors.update(clip_layers(random, prefix + "transformer.resblocks.", hidden, 32, OPEN_CLIP))
    tensors.update(norm(prefix + "ln_final", hidden))
    tensors[prefix + "text_projection"] = rand(hidden, hidden, std=hidden**-0.5)
    tensors[prefix + "logit_scale"] = torch.tensor(4.6055, dtype=torch.float16)
    return tensors
