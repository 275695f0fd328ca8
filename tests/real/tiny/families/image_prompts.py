"""Models of the image prompts: control LoRAs, the image encoder and the IP-Adapters."""

from __future__ import annotations

import torch

from ..checkout import Checkout
from ..parts.clip import HUGGING_FACE, Tensors, clip_layers, norm
from ..parts.unet import CHANNELS, DEPTHS_OUT
from ..weights import generator, shapes_of
from ..windows import Windows
from ..writers import write_pickle, write_safetensors

HINT = [(3, 16), (16, 16), (16, 32), (32, 32), (32, 96), (96, 96), (96, 256), (256, CHANNELS)]
"""Input and output channels of the convolutions that a control LoRA applies to its picture."""
TOKENS = 16
"""Tokens that an IP-Adapter makes of a picture."""


def control_loras(checkout: Checkout) -> None:
    """Write PyraCanny and CPDS. A control LoRA takes the UNet's weights and brings the parts it lacks."""
    for filename in ("control-lora-canny-rank128.safetensors", "fooocus_xl_cpds_128.safetensors"):
        path = checkout.model("controlnet", filename)
        if checkout.wants(path):
            write_safetensors(checkout, path, control_lora_tensors(generator(filename)))


def control_lora_tensors(random: torch.Generator) -> dict[str, torch.Tensor]:
    """Return the tensors of a control LoRA."""
    tensors = {}

    def conv(name: str, inputs: int, outputs: int, kernel: int, std: float) -> None:
        weight = torch.randn(outputs, inputs, kernel, kernel, generator=random) * std
        tensors[name + ".weight"] = weight.half()
        tensors[name + ".bias"] = torch.zeros(outputs).half()

    for number, (inputs, outputs) in enumerate(HINT):
        conv(f"input_hint_block.{2 * number}", inputs, outputs, 3, (2 / (9 * inputs)) ** 0.5)
    for number in range(9):
        conv(f"zero_convs.{number}.0", CHANNELS, CHANNELS, 1, 0.1 * CHANNELS**-0.5)
    conv("middle_block_out.0", CHANNELS, CHANNELS, 1, 0.1 * CHANNELS**-0.5)
    # the low-rank part proper: two layers are enough to run it
    for name, inputs, outputs in (
        ("input_blocks.1.0.emb_layers.1", 1280, CHANNELS),
        ("input_blocks.4.1.transformer_blocks.0.attn1.to_q", CHANNELS, CHANNELS),
    ):
        tensors[name + ".up"] = (torch.randn(outputs, 4, generator=random) * 0.05).half()
        tensors[name + ".down"] = (torch.randn(4, inputs, generator=random) * 0.05).half()
    tensors["lora_controlnet"] = torch.zeros(1).half()
    return tensors


def clip_vision(checkout: Checkout) -> None:
    """Write CLIP ViT-H of the image prompts. The IP-Adapter loader fixes the width at 1280, so it must be the H."""
    path = checkout.model("clip_vision", "clip_vision_vit_h.safetensors")
    if not checkout.wants(path):
        return
    random, width, prefix = generator("clip_vision"), 1280, "vision_model."

    def rand(*shape: int, std: float) -> torch.Tensor:
        return (torch.randn(shape, generator=random) * std).half()

    tensors: Tensors = {
        prefix + "embeddings.class_embedding": rand(width, std=0.02),
        prefix + "embeddings.patch_embedding.weight": rand(width, 3, 14, 14, std=588**-0.5),
        prefix + "embeddings.position_embedding.weight": rand(257, width, std=0.02),
    }
    for name in ("pre_layrnorm", "post_layernorm"):  # (sic)
        tensors.update(norm(prefix + name, width))
    tensors.update(clip_layers(random, prefix + "encoder.layers.", width, 32, HUGGING_FACE))
    tensors["visual_projection.weight"] = rand(1024, width, std=width**-0.5)
    write_safetensors(checkout, path, tensors)


def ip_adapters(checkout: Checkout) -> None:
    """Write ImagePrompt and FaceSwap: a resampler plus one key and one value matrix for each of SDXL's 70 attentions.

    The resampler's size is fixed. Of the 70, only those matter for which this UNet has a block.
    """
    from extras.resampler import Resampler

    path = checkout.model("controlnet", "fooocus_ip_negative.safetensors")
    if checkout.wants(path):
        data = torch.randn(1, TOKENS, 2048, generator=generator("negative")).half() * 0.1
        write_safetensors(checkout, path, {"data": data})
    shapes = shapes_of(
        lambda: Resampler(
            dim=1280,
            depth=4,
            dim_head=64,
            heads=20,
            num_queries=TOKENS,
            embedding_dim=1280,
            output_dim=2048,
            ff_mult=4,
        )
    )
    for filename in ("ip-adapter-plus_sdxl_vit-h.bin", "ip-adapter-plus-face_sdxl_vit-h.bin"):
        path = checkout.model("controlnet", filename)
        if not checkout.wants(path):
            continue
        windows = Windows(filename)
        adapter = {}
        for number, width in enumerate(attention_widths()):
            for kind in "kv":
                adapter[f"{2 * number + 1}.to_{kind}_ip.weight"] = windows.normal((width, 2048), 2048**-0.5)
        write_pickle(checkout, path, {"image_proj": windows.state(shapes), "ip_adapter": adapter})


def attention_widths() -> list[int]:
    """Return the width of each attention as an IP-Adapter numbers them; 1 for those that this UNet lacks.

    Fooocus numbers them 10 per deep block and 2 per shallow one for any model, and leaves the rest unused.
    """
    slots = [("input", block, index) for block in (4, 5, 7, 8) for index in range(2 if block < 6 else 10)]
    slots += [("output", block, index) for block in range(6) for index in range(10 if block < 3 else 2)]
    slots += [("middle", 0, index) for index in range(10)]
    depth = {("input", 4): 1, ("input", 5): 1, ("input", 7): 2, ("input", 8): 2, ("middle", 0): 1}
    depth.update({("output", block): layers for block, layers in enumerate(reversed(DEPTHS_OUT))})
    return [CHANNELS if index < depth.get((side, block), 0) else 1 for side, block, index in slots]
