"""The VAE: a TAESD that roughly reproduces its input."""

from __future__ import annotations

import torch

from ..weights import random_state, shapes_of

LATENT_SCALE = 1 / 128
"""A scale that gives latents about the size of the sampler's first noise: neither drowns the other."""


def identity_taesd(random: torch.Generator) -> dict[str, torch.Tensor]:
    """Return a TAESD that is an 8x down- and upsampler: channels 0-2 carry RGB, all the rest is small noise."""
    from ldm_patched.taesd.taesd import TAESD

    state = random_state(shapes_of(TAESD), random, torch.float32, gain=0.05)
    state["vae_scale"] = torch.tensor(LATENT_SCALE)

    for stage, last in (("taesd_encoder", 14), ("taesd_decoder", 19)):
        for name in [name for name in state if name.startswith(stage) and ".conv.4." in name]:
            state[name][:3] = 0  # a block's residual branch leaves the three carriers alone
        for number in range(1, last):
            name = f"{stage}.{number}.weight"
            if name in state and state[name].shape[0] == 64:
                carry(state[name], box=stage == "taesd_encoder")
    # the ends: RGB in [0, 1] <-> latents in [-1, 1] / scale
    carry(state["taesd_encoder.0.weight"])
    carry(state["taesd_encoder.14.weight"], 2.0)
    state["taesd_encoder.14.bias"][:3] = -1.0
    carry(state["taesd_decoder.1.weight"], 0.5)
    state["taesd_decoder.1.bias"][:3] = 0.5
    carry(state["taesd_decoder.19.weight"])
    return state


def carry(weight: torch.Tensor, factor: float = 1.0, box: bool = False) -> None:
    """Make a convolution pass channels 0-2 on, multiplied by a factor, or averaged over four pixels (stride 2)."""
    for channel in range(3):
        weight[channel] = 0
        if box:
            weight[channel, channel, 1:, 1:] = 0.25
        else:
            weight[channel, channel, 1, 1] = factor
