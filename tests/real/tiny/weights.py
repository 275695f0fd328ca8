"""Random weights in the shapes of a module's parameters."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping

import torch

Shape = tuple[int, ...]


def generator(name: str) -> torch.Generator:
    """Return a random generator seeded by `name` alone, so that every run writes the same file."""
    return torch.Generator().manual_seed(zlib.crc32(name.encode()))


def shapes_of(build: Callable[[], torch.nn.Module], meta: bool = True) -> dict[str, torch.Tensor]:
    """Return the state dict of the module that `build` makes, as {name: tensor without data}.

    A module that looks at values in its constructor cannot be built without data; pass meta=False then.
    """
    with torch.device("meta" if meta else "cpu"):
        return dict(build().state_dict())


def empty(*shape: int) -> torch.Tensor:
    """Return a tensor without data."""
    return torch.empty(shape, device="meta")


def is_norm(name: str, shape: Shape) -> bool:
    """Return whether this is the scale of a normalisation layer: 1-D and called weight (or running_var)."""
    return len(shape) == 1 and name.endswith(("weight", "running_var", "gamma", "g"))


def random_state(
    shapes: Mapping[str, torch.Tensor], random: torch.Generator, dtype: torch.dtype, gain: float = 1.0
) -> dict[str, torch.Tensor]:
    """Return {name: tensor} in `dtype` for the parameters in `shapes`: unit gain matrices, plain norms, no bias."""
    state = {}
    for name, tensor in shapes.items():
        shape = tuple(tensor.shape)
        if is_norm(name, shape):
            value = torch.ones(shape)
        elif len(shape) < 2:
            value = torch.zeros(shape)
        else:
            std = 0.02 if "embed" in name else gain * math.prod(shape[1:]) ** -0.5
            value = torch.randn(shape, generator=random) * std
        state[name] = value.to(dtype)
    return state
