"""Small networks on latents: the previewers, and the interposer of an SD1.5 refiner."""

from __future__ import annotations

import torch

from ..checkout import Checkout
from ..weights import empty, generator, random_state
from ..writers import write_pickle, write_safetensors

PREVIEWER = [(4, 8, 7), (8, 16, 5), (16, 32, 3), (32, 64, 3), (64, 32, 3), (32, 16, 3), (16, 8, 3), (8, 3, 3)]
"""Input channels, output channels and kernel of each convolution."""


def previews(checkout: Checkout) -> None:
    """Write the two latent previewers, and the SDXL -> SD1.5 latent interposer (used with SD1.5 refiners)."""
    shapes = {}
    for number, (inputs, outputs, kernel) in enumerate(PREVIEWER, 1):
        shapes[f"conv{number}.weight"] = empty(outputs, inputs, kernel, kernel)
        shapes[f"conv{number}.bias"] = empty(outputs)
    for filename in ("xlvaeapp.pth", "vaeapp_sd15.pth"):
        path = checkout.model("vae_approx", filename)
        if checkout.wants(path):
            state = random_state(shapes, generator(filename), torch.float16, gain=1.4)
            write_pickle(checkout, path, state)

    path = checkout.model("vae_approx", "xl-to-v1_interposer-v4.0.safetensors")
    if not checkout.wants(path):
        return
    shapes = interposer_shapes()
    tensors = random_state(shapes, generator(path.as_posix()[-40:]), torch.float16)
    for name in [name for name in shapes if name.endswith("running_mean")]:
        # BatchNorm also counts its batches; the loader is strict
        tensors[name.replace("running_mean", "num_batches_tracked")] = torch.zeros((), dtype=torch.float32)
    write_safetensors(checkout, path, tensors)


def interposer_shapes() -> dict[str, torch.Tensor]:
    """Return the shapes of the interposer's parameters."""
    shapes, width = {}, 64

    def conv(name: str, inputs: int, outputs: int) -> None:
        shapes[name + ".weight"] = empty(outputs, inputs, 3, 3)
        shapes[name + ".bias"] = empty(outputs)

    def norm(name: str) -> None:
        for parameter in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{name}.{parameter}"] = empty(width)

    conv("head.short", 4, width)
    for number, inputs in ((0, 4), (2, width), (4, width)):
        conv(f"head.long.{number}", inputs, width)
    for block in range(1, 13):
        norm(f"core.{block}.norm")
        for number in (0, 2, 4):
            conv(f"core.{block}.long.{number}", width, width)
    norm("core.13")
    conv("tail", width, 4)
    return shapes
