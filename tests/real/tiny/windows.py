"""Random tensors that share a buffer, for pickled files."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch

from .weights import Shape, generator, is_norm

STRIDES = 1, 3, 101, 1009


class Windows:
    """Random tensors of any shape that all share one small buffer.

    Element [i, j, ...] of a tensor is buffer[start + i * STRIDES[0] + j * STRIDES[1] + ...], the longest
    dimension having the smallest stride: windows overlap, so a matrix of millions of elements needs some
    thousand random numbers. torch.save writes the buffer once per file, torch.load restores the views, and
    load_state_dict copies them into ordinary parameters.
    """

    def __init__(self, seed: str, dtype: torch.dtype = torch.float16, length: int = 1 << 18) -> None:
        self.random = generator(seed)
        self.buffer = torch.randn(length, generator=self.random).to(dtype)
        self.scaled: dict[int, torch.Tensor] = {}
        """A scaled copy of the buffer per power of two, which gives each layer its own standard deviation."""
        self.ones = torch.ones(1, dtype=dtype)
        self.zeros = torch.zeros(1, dtype=dtype)

    def normal(self, shape: Shape, std: float) -> torch.Tensor:
        """Return normally distributed values; `std` is rounded to a power of two."""
        exponent = round(math.log2(std))
        source = self.scaled.setdefault(exponent, self.buffer * 2.0**exponent)
        longest_first = sorted(range(len(shape)), key=lambda dimension: -shape[dimension])
        strides = [STRIDES[longest_first.index(dimension)] for dimension in range(len(shape))]
        needed = 1 + sum((length - 1) * stride for length, stride in zip(shape, strides, strict=True))
        assert needed <= source.numel(), shape
        start = int(torch.randint(0, source.numel() - needed + 1, (1,), generator=self.random))
        return source.as_strided(shape, strides, start)

    def constant(self, shape: Shape, value: float) -> torch.Tensor:
        """Return a tensor of one value."""
        shared: dict[float, torch.Tensor] = {0: self.zeros, 1: self.ones}
        source = shared.get(value)
        if source is None:
            source = torch.full((1,), value, dtype=self.buffer.dtype)
        return source.expand(shape)

    def like(self, name: str, tensor: torch.Tensor) -> torch.Tensor:
        """Return the values of a freshly initialised parameter of this name and shape."""
        shape = tuple(tensor.shape)
        if name.endswith("position_ids"):
            return torch.arange(shape[-1]).expand(shape)
        if not tensor.dtype.is_floating_point:
            return torch.zeros(shape, dtype=tensor.dtype)
        if is_norm(name, shape):
            return self.constant(shape, 1)
        if len(shape) < 2:
            return self.constant(shape, 0)
        return self.normal(shape, 0.02 if "embed" in name else math.prod(shape[1:]) ** -0.5)

    def state(self, shapes: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return {name: tensor} for the parameters in `shapes`."""
        return {name: self.like(name, tensor) for name, tensor in shapes.items()}
