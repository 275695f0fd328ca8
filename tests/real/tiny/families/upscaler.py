"""The upscaler, with weights that roughly reproduce its input."""

from __future__ import annotations

import torch

from ..checkout import Checkout
from ..weights import generator
from ..writers import write_pickle

FILTERS = 4
GROWTH = 32
"""Channels that each convolution of a dense block adds."""


def upscaler(checkout: Checkout) -> None:
    """Write a 4x RRDB ('old architecture') with one block and four filters: nearest-neighbour plus a little noise."""
    path = checkout.model("upscale_models", "fooocus_upscaler_s409985e5.bin")
    if not checkout.wants(path):
        return
    random = generator("upscaler")
    state = {}

    def conv(name: str, inputs: int, outputs: int, std: float) -> None:
        state[name + ".weight"] = torch.randn(outputs, inputs, 3, 3, generator=random) * std
        state[name + ".bias"] = torch.zeros(outputs)
        if std == 0:  # pass channels on: a one in the middle of the kernel
            for channel in range(min(inputs, outputs)):
                state[name + ".weight"][channel, channel, 1, 1] = 1.0

    # The order matters: the first and the last tensor give the loader the number of channels.
    conv("model.0", 3, FILTERS, 0)
    for block in (1, 2, 3):
        for number in range(1, 6):
            inputs, outputs = FILTERS + (number - 1) * GROWTH, GROWTH if number < 5 else FILTERS
            conv(f"model.1.sub.0.residual_block_{block}.conv{number}.0", inputs, outputs, 0.02)
    conv("model.1.sub.1", FILTERS, FILTERS, 0.01)  # closes the trunk, which is added to its input
    for number, outputs in ((3, FILTERS), (6, FILTERS), (8, FILTERS), (10, 3)):  # two upsamplings, two convolutions
        conv(f"model.{number}", FILTERS, outputs, 0)
    write_pickle(checkout, path, state)
