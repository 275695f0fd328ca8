"""The UNet: Segmind-Vega's blocks, by which Fooocus recognises SDXL, with 320 channels on every level."""

from __future__ import annotations

import torch

from ..weights import shapes_of

CHANNELS = 320
"""A size that Fooocus's SDXL detection fixes."""
DEPTHS_IN = (0, 0, 1, 1, 2, 2)
"""Transformers per input block: the smallest of the three models that the detection knows."""
DEPTHS_OUT = (0, 0, 0, 0, 0, 1, 0, 0, 1)
"""Transformers per output block, in the order the constructor consumes them (from the end). Any would be
recognised; a few are kept so that LoRAs, FreeU and IP-Adapters meet attention on the way up as well."""


def unet_shapes() -> dict[str, torch.Tensor]:
    """Return the shapes of the UNet. Blocks 4, 5 (depth 1) and 7, 8 (depth 2) attend, as in SDXL itself."""
    from ldm_patched.ldm.modules.diffusionmodules.openaimodel import UNetModel
    from ldm_patched.modules import ops

    return shapes_of(
        lambda: UNetModel(
            image_size=32,
            in_channels=4,
            out_channels=4,
            model_channels=CHANNELS,
            num_res_blocks=[2, 2, 2],
            channel_mult=(1, 1, 1),
            num_head_channels=64,
            use_spatial_transformer=True,
            transformer_depth=list(DEPTHS_IN),
            transformer_depth_output=list(DEPTHS_OUT),
            transformer_depth_middle=1,
            context_dim=2048,
            use_linear_in_transformer=True,
            adm_in_channels=2816,
            num_classes="sequential",
            legacy=False,
            operations=ops.disable_weight_init,
        )
    )
