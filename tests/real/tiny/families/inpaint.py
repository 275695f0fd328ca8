"""The head and the patches that inpaint with an ordinary checkpoint."""

from __future__ import annotations

import torch

from ..checkout import Checkout
from ..parts.unet import CHANNELS, unet_shapes
from ..weights import generator
from ..writers import write_pickle


def inpaint(checkout: Checkout) -> None:
    """Write the inpaint head and the three versions of the inpaint patch (8-bit deltas on some UNet weights)."""
    path = checkout.model("inpaint", "fooocus_inpaint_head.pth")
    if checkout.wants(path):
        head = torch.randn(CHANNELS, 5, 3, 3, generator=generator("head")) * 0.05
        write_pickle(checkout, path, {"head": head})
    shapes = unet_shapes()
    blocks = ("input_blocks.4.", "output_blocks.3.")
    targets = [name for name in shapes if name.startswith(blocks) and "to_q.weight" in name]
    for filename in ("inpaint.fooocus.patch", "inpaint_v25.fooocus.patch", "inpaint_v26.fooocus.patch"):
        path = checkout.model("inpaint", filename)
        if not checkout.wants(path):
            continue
        random, patch = generator(filename), {}
        for name in targets:
            delta = torch.randint(0, 256, tuple(shapes[name].shape), generator=random).to(torch.uint8)
            patch["diffusion_model." + name] = (delta, torch.tensor(-0.05), torch.tensor(0.05))
        write_pickle(checkout, path, patch)
