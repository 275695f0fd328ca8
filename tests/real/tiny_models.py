#!/usr/bin/env python3
"""Write tiny random-weight models into a Fooocus 2.5.x checkout, so that all its features run on a CPU.

    python tiny_models.py FOOOCUS_DIR [--only NAME ...] [--force] [--nsfw all|none] [--list]

Nothing is downloaded, and no real weights are involved: every file has the name Fooocus looks for and
the tensor names and shapes its loader insists on, and is otherwise as small as that loader allows.
Files that exist already are left alone unless --force is given, so the script may be run again at will.

Run it with Fooocus's own Python (torch, transformers, safetensors). The families `tagger` and `rembg`
also need the `onnx` package below 1.18: newer ones bring numpy 2, which Fooocus can't use. Before *launching*
Fooocus set MODEL_CHECKSUM_DISABLED=1, otherwise rembg compares its files with the md5 sums of the real ones
and tries to download those.

Four things keep the zoo small and quick:
  * pickled files (.pth, .bin): every tensor of a file is a strided window on ONE small random buffer, and
    torch.save stores such a buffer once (see Windows);
  * .safetensors files cannot share storage, so their big matrices are 8-bit floats, and the middle layers
    of the big CLIP encoders are zero and are left as holes in a sparse file (see write_safetensors);
  * the UNet has the block structure that Fooocus recognises as SDXL (Segmind-Vega's depths) but 320
    channels on every level;
  * the VAE inside the checkpoints is a TAESD, which the same loader accepts: 1024x1024 takes about a
    second where the full SDXL VAE takes a minute. Its weights, and those of the upscaler, are chosen so
    that they roughly reproduce their input (plus random noise): results of Upscale, Vary and Inpaint
    still show the picture they were made from.
"""

# mypy: ignore-errors
# It runs with Fooocus's own Python and leans on Fooocus's classes: the tools have neither torch nor those.

import argparse
import csv
import json
import math
import os
import shutil
import struct
import sys
import zlib

import torch

FAMILIES = {}  # name -> function, in the order of definition; filled by @family
ROOT = ""  # the Fooocus checkout
FORCE = False
NSFW = "all"


def family(function):
    FAMILIES[function.__name__] = function
    return function


# ---------------------------------------------------------------------------------------------- helpers


def models(*parts):
    """Return a path under FOOOCUS_DIR/models and create its folder."""
    path = os.path.join(ROOT, "models", *parts)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return path


def wanted(path):
    """Return whether `path` is still to be written; print a line if it is not."""
    if os.path.exists(path) and not FORCE:
        print(f"  kept   {size_of(path):>10}  {os.path.relpath(path, ROOT)}")
        return False
    return True


def size_of(path):
    on_disk = os.stat(path).st_blocks * 512
    return f"{on_disk / 2**20:.2f} MB"


def wrote(path):
    apparent, note = os.path.getsize(path), ""
    if apparent > 2 * os.stat(path).st_blocks * 512 + 2**20:
        note = f"  (sparse file, {apparent / 2**20:.0f} MB long)"
    print(f"  wrote  {size_of(path):>10}  {os.path.relpath(path, ROOT)}{note}")


def generator(name):
    """Return a random generator seeded by `name` alone, so that every run writes the same file."""
    return torch.Generator().manual_seed(zlib.crc32(name.encode()))


def shapes_of(build, meta=True):
    """Return the state dict of the module that `build` makes, as {name: tensor without data}.

    A module that looks at values in its constructor cannot be built without data; pass meta=False then.
    """
    with torch.device("meta" if meta else "cpu"):
        return dict(build().state_dict())


def is_norm(name, shape):
    """Return whether this is the scale of a normalisation layer: 1-D and called weight (or running_var)."""
    return len(shape) == 1 and name.endswith(("weight", "running_var", "gamma", "g"))


class Windows:
    """Random tensors of any shape that all share one small buffer.

    Element [i, j, ...] of a tensor is buffer[start + i * STRIDES[0] + j * STRIDES[1] + ...], the longest
    dimension having the smallest stride: windows overlap, so a matrix of millions of elements needs some
    thousand random numbers. torch.save writes the buffer once per file, torch.load restores the views, and
    load_state_dict copies them into ordinary parameters.
    """

    STRIDES = 1, 3, 101, 1009

    def __init__(self, seed, dtype=torch.float16, length=1 << 18):
        self.random = generator(seed)
        self.buffer = torch.randn(length, generator=self.random).to(dtype)
        self.scaled = {}  # one scaled copy of the buffer per power of two, to give each layer its own std
        self.ones = torch.ones(1, dtype=dtype)
        self.zeros = torch.zeros(1, dtype=dtype)

    def normal(self, shape, std):
        exponent = round(math.log2(std))
        source = self.scaled.setdefault(exponent, self.buffer * 2.0**exponent)
        longest_first = sorted(range(len(shape)), key=lambda d: -shape[d])
        strides = [self.STRIDES[longest_first.index(d)] for d in range(len(shape))]
        needed = 1 + sum((n - 1) * s for n, s in zip(shape, strides, strict=False))
        assert needed <= source.numel(), shape
        start = int(torch.randint(0, source.numel() - needed + 1, (1,), generator=self.random))
        return source.as_strided(shape, strides, start)

    def constant(self, shape, value):
        source = {0: self.zeros, 1: self.ones}.get(value)
        source = torch.full((1,), value, dtype=self.buffer.dtype) if source is None else source
        return source.expand(shape)

    def like(self, name, tensor, gain=1.0):
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
        std = 0.02 if "embed" in name else math.prod(shape[1:]) ** -0.5
        return self.normal(shape, gain * std)

    def state(self, shapes, gain=1.0):
        return {k: self.like(k, v, gain) for k, v in shapes.items()}


def write_pickle(path, data):
    torch.save(data, path)
    wrote(path)


_SAFE_DTYPES = {torch.float8_e4m3fn: "F8_E4M3", torch.float16: "F16", torch.float32: "F32"}


def write_safetensors(path, tensors):
    """Write {name: tensor, or (shape, dtype) for zeros}. Zeros are skipped over, which leaves a hole."""
    header, offset = {}, 0
    for name, t in tensors.items():
        shape, dtype = (t.shape, t.dtype) if torch.is_tensor(t) else t
        size = math.prod(shape) * torch.empty(0, dtype=dtype).element_size()
        header[name] = {
            "dtype": _SAFE_DTYPES[dtype],
            "shape": list(shape),
            "data_offsets": [offset, offset + size],
        }
        offset += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path + ".part", "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        start = f.tell()
        for name, t in tensors.items():
            if torch.is_tensor(t):
                f.seek(start + header[name]["data_offsets"][0])
                f.write(t.contiguous().flatten().view(torch.uint8).numpy().data)
        f.truncate(start + offset)
    os.replace(path + ".part", path)
    wrote(path)


def random_state(shapes, random, dtype, gain=1.0):
    """Return {name: tensor} in `dtype` for the parameters in `shapes`: unit gain matrices, plain norms, no bias."""
    out = {}
    for name, t in shapes.items():
        shape = tuple(t.shape)
        if is_norm(name, shape):
            value = torch.ones(shape)
        elif len(shape) < 2:
            value = torch.zeros(shape)
        else:
            std = 0.02 if "embed" in name else gain * math.prod(shape[1:]) ** -0.5
            value = torch.randn(shape, generator=random) * std
        out[name] = value.to(dtype)
    return out


# -------------------------------------------------------------------------------- (1) checkpoints, LoRAs

CHANNELS = 320  # fixed by Fooocus's SDXL detection
DEPTHS_IN = [0, 0, 1, 1, 2, 2]  # likewise (the smallest of the three it knows)
# Transformers per output block, in the order the constructor consumes them (from the end). Any would be
# recognised; a few are kept so that LoRAs, FreeU and IP-Adapters meet attention on the way up as well.
DEPTHS_OUT = [0, 0, 0, 0, 0, 1, 0, 0, 1]
HIDDEN_CLIP = {"l": (768, 12), "g": (1280, 32)}


def unet_shapes():
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


def clip_layers(random, prefix, hidden, layers, inner, names):
    """Return the transformer layers of a CLIP encoder. Only the first two and last two have (random, 8-bit) matrices;
    in the others they are zero, which makes the layer pass its input on."""
    norm1, norm2, fc1, fc2, attention = names
    out = {}
    for n in range(layers):
        random_layer = n < 2 or n >= layers - 2
        base = f"{prefix}{n}."
        matrices = {fc1: (inner, hidden), fc2: (hidden, inner)}
        matrices.update(attention(hidden))
        for name, shape in matrices.items():
            if random_layer:
                w = torch.randn(shape, generator=random) * shape[1] ** -0.5
                out[base + name[0]] = w.to(torch.float8_e4m3fn)
            else:
                out[base + name[0]] = (shape, torch.float8_e4m3fn)
            out[base + name[1]] = ((shape[0],), torch.float16)
        for norm in (norm1, norm2):
            out[base + norm + ".weight"] = torch.ones(hidden, dtype=torch.float16)
            out[base + norm + ".bias"] = torch.zeros(hidden, dtype=torch.float16)
    return out


def hf_names():
    def pair(n):
        return (n + ".weight", n + ".bias")

    def attention(h):
        return {pair(f"self_attn.{x}_proj"): (h, h) for x in ("q", "k", "v", "out")}

    return "layer_norm1", "layer_norm2", pair("mlp.fc1"), pair("mlp.fc2"), attention


def open_clip_names():
    def pair(n):
        return (n + ".weight", n + ".bias")

    def attention(h):
        return {("attn.in_proj_weight", "attn.in_proj_bias"): (3 * h, h), pair("attn.out_proj"): (h, h)}

    return "ln_1", "ln_2", pair("mlp.c_fc"), pair("mlp.c_proj"), attention


def text_encoders(random):
    """Return the two SDXL text encoders under the names of an SDXL checkpoint. Their sizes are fixed."""
    f8, f16 = torch.float8_e4m3fn, torch.float16

    def rand(*shape, std=0.05):
        return (torch.randn(shape, generator=random) * std).to(f8)

    out = {}
    h, layers = HIDDEN_CLIP["l"]
    p = "conditioner.embedders.0.transformer.text_model."
    out[p + "embeddings.token_embedding.weight"] = rand(49408, h)
    out[p + "embeddings.position_embedding.weight"] = rand(77, h)
    out.update(clip_layers(random, p + "encoder.layers.", h, layers, 4 * h, hf_names()))
    out[p + "final_layer_norm.weight"] = torch.ones(h, dtype=f16)
    out[p + "final_layer_norm.bias"] = torch.zeros(h, dtype=f16)
    h, layers = HIDDEN_CLIP["g"]
    p = "conditioner.embedders.1.model."
    out[p + "token_embedding.weight"] = rand(49408, h)
    out[p + "positional_embedding"] = rand(77, h)
    out.update(clip_layers(random, p + "transformer.resblocks.", h, layers, 4 * h, open_clip_names()))
    out[p + "ln_final.weight"] = torch.ones(h, dtype=f16)
    out[p + "ln_final.bias"] = torch.zeros(h, dtype=f16)
    out[p + "text_projection"] = rand(h, h, std=h**-0.5)
    out[p + "logit_scale"] = torch.tensor(4.6055, dtype=f16)
    return out


def identity_taesd(random):
    """Return a TAESD that is an 8x down- and upsampler: channels 0-2 carry RGB, all the rest is small noise."""
    from ldm_patched.taesd.taesd import TAESD

    sd = random_state(shapes_of(TAESD), random, torch.float32, gain=0.05)
    scale = 1 / 128  # latents of about the size of the sampler's first noise: neither drowns the other
    sd["vae_scale"] = torch.tensor(scale)

    def carry(name, box=False):
        w = sd[name]
        for c in range(3):
            w[c] = 0
            if box:
                w[c, c, 1:, 1:] = 0.25  # stride 2: the mean of four pixels
            else:
                w[c, c, 1, 1] = 1.0

    for stage, last in (("taesd_encoder", 14), ("taesd_decoder", 19)):
        for name in [n for n in sd if n.startswith(stage) and ".conv.4." in n]:
            sd[name][:3] = 0  # a block's residual branch leaves the three carriers alone
        for n in range(1, last):
            name = f"{stage}.{n}.weight"
            if name in sd and sd[name].shape[0] == 64:
                carry(name, box=stage == "taesd_encoder")
    # the ends: RGB in [0, 1] <-> latents in [-1, 1] / scale
    carry("taesd_encoder.0.weight")
    last = "taesd_encoder.14"
    for c in range(3):
        sd[last + ".weight"][c] = 0
        sd[last + ".weight"][c, c, 1, 1] = 2.0
        sd[last + ".bias"][c] = -1.0
    first = "taesd_decoder.1"
    for c in range(3):
        sd[first + ".weight"][c] = 0
        sd[first + ".weight"][c, c, 1, 1] = 0.5
        sd[first + ".bias"][c] = 0.5
    carry("taesd_decoder.19.weight")
    return sd


def write_checkpoint(filename):
    path = models("checkpoints", filename)
    if not wanted(path):
        return
    random = generator(filename)
    tensors = {}
    for k, v in random_state(unet_shapes(), random, torch.float16).items():
        # a weaker last layer: prompts, LoRAs and so on still change the image but do not saturate it
        tensors["model.diffusion_model." + k] = v * 0.25 if k == "out.2.weight" else v
    for k, v in identity_taesd(random).items():
        tensors["first_stage_model." + k] = v
    tensors.update(text_encoders(random))
    write_safetensors(path, tensors)


@family
def checkpoint():
    """Write the SDXL-class checkpoints: tiny_sdxl, and tiny_sdxl_b with other weights."""
    write_checkpoint("tiny_sdxl.safetensors")
    write_checkpoint("tiny_sdxl_b.safetensors")


@family
def loras():
    """Write a LoRA that matches the checkpoints, and the three LoRAs of the fast performance modes."""
    shapes = unet_shapes()
    targets = [
        k[: -len(".weight")]
        for k, v in shapes.items()
        if k.endswith(".weight") and ("attn1.to_" in k or "attn2.to_" in k)
    ]
    for filename, scale in (
        ("tiny_lora.safetensors", 1.0),
        ("sdxl_lcm_lora.safetensors", 0.1),
        ("sdxl_lightning_4step_lora.safetensors", 0.1),
        ("sdxl_hyper_sd_4step_lora.safetensors", 0.1),
    ):
        path = models("loras", filename)
        if not wanted(path):
            continue
        random, rank, tensors = generator(filename), 2, {}
        for name in targets:
            out, into = shapes[name + ".weight"].shape
            key = "lora_unet_" + name.replace(".", "_")
            tensors[key + ".lora_up.weight"] = (torch.randn(out, rank, generator=random) * scale).half()
            tensors[key + ".lora_down.weight"] = (torch.randn(rank, into, generator=random) * into**-0.5).half()
            tensors[key + ".alpha"] = torch.tensor(float(rank)).half()
        for name in ("self_attn_q_proj", "self_attn_v_proj"):
            key = f"lora_te1_text_model_encoder_layers_0_{name}"
            tensors[key + ".lora_up.weight"] = (torch.randn(768, rank, generator=random) * scale).half()
            tensors[key + ".lora_down.weight"] = (torch.randn(rank, 768, generator=random) * 768**-0.5).half()
        write_safetensors(path, tensors)


@family
def previews():
    """Write the two latent previewers, and the SDXL -> SD1.5 latent interposer (used with SD1.5 refiners)."""
    sizes = [(4, 8, 7), (8, 16, 5), (16, 32, 3), (32, 64, 3), (64, 32, 3), (32, 16, 3), (16, 8, 3), (8, 3, 3)]
    shapes = {}
    for n, (a, b, k) in enumerate(sizes, 1):
        shapes[f"conv{n}.weight"] = torch.empty(b, a, k, k, device="meta")
        shapes[f"conv{n}.bias"] = torch.empty(b, device="meta")
    for filename in ("xlvaeapp.pth", "vaeapp_sd15.pth"):
        path = models("vae_approx", filename)
        if wanted(path):
            write_pickle(path, random_state(shapes, generator(filename), torch.float16, gain=1.4))

    path = models("vae_approx", "xl-to-v1_interposer-v4.0.safetensors")
    if not wanted(path):
        return
    shapes, ch = {}, 64

    def conv(name, a, b):
        shapes[name + ".weight"] = torch.empty(b, a, 3, 3, device="meta")
        shapes[name + ".bias"] = torch.empty(b, device="meta")

    def norm(name):
        for n in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{name}.{n}"] = torch.empty(ch, device="meta")

    conv("head.short", 4, ch)
    for n, a in ((0, 4), (2, ch), (4, ch)):
        conv(f"head.long.{n}", a, ch)
    for block in range(1, 13):
        norm(f"core.{block}.norm")
        for n in (0, 2, 4):
            conv(f"core.{block}.long.{n}", ch, ch)
    norm("core.13")
    conv("tail", ch, 4)
    tensors = random_state(shapes, generator(path[-40:]), torch.float16)
    for name in [n for n in shapes if n.endswith("running_mean")]:
        # BatchNorm also counts its batches; the loader is strict
        tensors[name.replace("running_mean", "num_batches_tracked")] = torch.zeros((), dtype=torch.float32)
    write_safetensors(path, tensors)


@family
def expansion():
    """Write the GPT-2 of `Fooocus V2` prompt expansion; its config and vocabulary come with Fooocus."""
    path = models("prompt_expansion", "fooocus_expansion", "pytorch_model.bin")
    if not wanted(path):
        return
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(os.path.dirname(path))
    shapes = shapes_of(lambda: AutoModelForCausalLM.from_config(config))
    shapes.pop("lm_head.weight", None)  # tied to the embedding
    write_pickle(path, Windows(path[-40:]).state(shapes))


# --------------------------------------------------------------------------------------- (2) the upscaler


@family
def upscaler():
    """Write a 4x RRDB ('old architecture') with one block and four filters: nearest-neighbour plus a little noise."""
    path = models("upscale_models", "fooocus_upscaler_s409985e5.bin")
    if not wanted(path):
        return
    random, nf, gc = generator("upscaler"), 4, 32
    sd = {}

    def conv(name, a, b, std):
        sd[name + ".weight"] = torch.randn(b, a, 3, 3, generator=random) * std
        sd[name + ".bias"] = torch.zeros(b)
        if std == 0:  # pass channels on: a one in the middle of the kernel
            for c in range(min(a, b)):
                sd[name + ".weight"][c, c, 1, 1] = 1.0

    conv("model.0", 3, nf, 0)  # the order matters: first and last tensor
    for rdb in (1, 2, 3):  # give the loader the number of channels
        for n in range(1, 6):
            conv(f"model.1.sub.0.residual_block_{rdb}.conv{n}.0", nf + (n - 1) * gc, gc if n < 5 else nf, 0.02)
    conv("model.1.sub.1", nf, nf, 0.01)  # closes the trunk, which is added to its input
    for n, out in ((3, nf), (6, nf), (8, nf), (10, 3)):  # two upsamplings and two more convolutions
        conv(f"model.{n}", nf, out, 0)
    write_pickle(path, sd)


# ---------------------------------------------------------------------------------------------- (3) inpaint


@family
def inpaint():
    """Write the inpaint head and the three versions of the inpaint patch (8-bit deltas on some UNet weights)."""
    path = models("inpaint", "fooocus_inpaint_head.pth")
    if wanted(path):
        write_pickle(path, {"head": torch.randn(320, 5, 3, 3, generator=generator("head")) * 0.05})
    shapes = unet_shapes()
    targets = [k for k in shapes if k.startswith(("input_blocks.4.", "output_blocks.3.")) and "to_q.weight" in k]
    for filename in ("inpaint.fooocus.patch", "inpaint_v25.fooocus.patch", "inpaint_v26.fooocus.patch"):
        path = models("inpaint", filename)
        if not wanted(path):
            continue
        random, sd = generator(filename), {}
        for name in targets:
            delta = torch.randint(0, 256, tuple(shapes[name].shape), generator=random).to(torch.uint8)
            sd["diffusion_model." + name] = (delta, torch.tensor(-0.05), torch.tensor(0.05))
        write_pickle(path, sd)


# ------------------------------------------------------------------------------------- (4) image prompts


@family
def control_loras():
    """Write PyraCanny and CPDS. A control LoRA takes the UNet's weights and brings the parts it lacks."""
    for filename in ("control-lora-canny-rank128.safetensors", "fooocus_xl_cpds_128.safetensors"):
        path = models("controlnet", filename)
        if not wanted(path):
            continue
        random, sd = generator(filename), {}

        def conv(name, a, b, k, std, sd=sd, random=random):
            sd[name + ".weight"] = (torch.randn(b, a, k, k, generator=random) * std).half()
            sd[name + ".bias"] = torch.zeros(b).half()

        hint = [(3, 16), (16, 16), (16, 32), (32, 32), (32, 96), (96, 96), (96, 256), (256, CHANNELS)]
        for n, (a, b) in enumerate(hint):
            conv(f"input_hint_block.{2 * n}", a, b, 3, (2 / (9 * a)) ** 0.5)
        for n in range(9):
            conv(f"zero_convs.{n}.0", CHANNELS, CHANNELS, 1, 0.1 * CHANNELS**-0.5)
        conv("middle_block_out.0", CHANNELS, CHANNELS, 1, 0.1 * CHANNELS**-0.5)
        # the low-rank part proper: two layers are enough to run it
        for name, a, b in (
            ("input_blocks.1.0.emb_layers.1", 1280, CHANNELS),
            ("input_blocks.4.1.transformer_blocks.0.attn1.to_q", CHANNELS, CHANNELS),
        ):
            sd[name + ".up"] = (torch.randn(b, 4, generator=random) * 0.05).half()
            sd[name + ".down"] = (torch.randn(4, a, generator=random) * 0.05).half()
        sd["lora_controlnet"] = torch.zeros(1).half()
        write_safetensors(path, sd)


@family
def clip_vision():
    """Write CLIP ViT-H of the image prompts. The IP-Adapter loader fixes the width at 1280, so it must be the H."""
    path = models("clip_vision", "clip_vision_vit_h.safetensors")
    if not wanted(path):
        return
    random, h = generator("clip_vision"), 1280

    def rand(*shape, std):
        return (torch.randn(shape, generator=random) * std).half()

    p = "vision_model."
    sd = {
        p + "embeddings.class_embedding": rand(h, std=0.02),
        p + "embeddings.patch_embedding.weight": rand(h, 3, 14, 14, std=588**-0.5),
        p + "embeddings.position_embedding.weight": rand(257, h, std=0.02),
    }
    for norm in ("pre_layrnorm", "post_layernorm"):  # (sic)
        sd[f"{p}{norm}.weight"] = torch.ones(h).half()
        sd[f"{p}{norm}.bias"] = torch.zeros(h).half()
    sd.update(clip_layers(random, p + "encoder.layers.", h, 32, 4 * h, hf_names()))
    sd["visual_projection.weight"] = rand(1024, h, std=h**-0.5)
    write_safetensors(path, sd)


@family
def ip_adapters():
    """Write ImagePrompt and FaceSwap: a resampler plus one key and one value matrix for each of SDXL's 70 attentions.

    The resampler's size is fixed. Of the 70, only those matter for which this UNet has a block; Fooocus
    numbers them 10 per deep block and 2 per shallow one for any model, and leaves the rest unused.
    """
    from extras.resampler import Resampler

    tokens = 16
    path = models("controlnet", "fooocus_ip_negative.safetensors")
    if wanted(path):
        write_safetensors(path, {"data": torch.randn(1, tokens, 2048, generator=generator("negative")).half() * 0.1})
    slots = [("input", b, i) for b in (4, 5, 7, 8) for i in range(2 if b < 6 else 10)]
    slots += [("output", b, i) for b in range(6) for i in range(10 if b < 3 else 2)]
    slots += [("middle", 0, i) for i in range(10)]
    depth = {("input", b): d for b, d in ((4, 1), (5, 1), (7, 2), (8, 2))}
    depth.update({("output", b): d for b, d in enumerate(reversed(DEPTHS_OUT))})
    depth["middle", 0] = 1
    shapes = shapes_of(
        lambda: Resampler(
            dim=1280,
            depth=4,
            dim_head=64,
            heads=20,
            num_queries=tokens,
            embedding_dim=1280,
            output_dim=2048,
            ff_mult=4,
        )
    )
    for filename in ("ip-adapter-plus_sdxl_vit-h.bin", "ip-adapter-plus-face_sdxl_vit-h.bin"):
        path = models("controlnet", filename)
        if not wanted(path):
            continue
        windows = Windows(filename)
        adapter = {}
        for n, (side, block, index) in enumerate(slots):
            width = CHANNELS if index < depth.get((side, block), 0) else 1
            for kind in "kv":
                adapter[f"{2 * n + 1}.to_{kind}_ip.weight"] = windows.normal((width, 2048), 2048**-0.5)
        write_pickle(path, {"image_proj": windows.state(shapes), "ip_adapter": adapter})


@family
def face():
    """Write face detection (RetinaFace) and parsing of FaceSwap. The parser is loaded but never run.

    The detector is made to find faces in any picture of at least 32x32: its class head answers 'face' for
    the 256-pixel anchors of the coarsest level and 'background' for all others, and its landmark head
    puts two eyes, a nose and a mouth in the middle of the anchor.
    """
    from extras.facexlib.detection.retinaface import RetinaFace

    path = models("controlnet", "detection_Resnet50_Final.pth")
    if wanted(path):
        shapes = shapes_of(lambda: RetinaFace(network_name="resnet50", device="meta"))
        windows = Windows("retinaface")
        sd = windows.state(shapes)
        for name in shapes:
            if name.endswith("bn3.weight"):
                sd[name] = windows.constant(shapes[name].shape, 0.25)  # keeps the residual sums from growing
            if "Head." in name and name.endswith(".weight"):
                sd[name] = windows.normal(tuple(shapes[name].shape), 2**-16)
        for level in range(3):
            # two anchors per place, (background, face) each
            sd[f"ClassHead.{level}.conv1x1.bias"] = torch.tensor([0.0, 6.0, 6.0, 0.0] if level == 2 else [6.0, 0.0] * 2)
            # five (x, y) in units of a tenth of the anchor: eyes, nose, corners of the mouth
            marks = [-1.2, -0.6, 1.2, -0.6, 0.0, 0.6, -1.0, 1.7, 1.0, 1.7]
            sd[f"LandmarkHead.{level}.conv1x1.bias"] = torch.tensor(marks * 2)
        write_pickle(path, sd)
    path = models("controlnet", "parsing_parsenet.pth")
    if wanted(path):
        from extras.facexlib.parsing.parsenet import ParseNet

        shapes = shapes_of(lambda: ParseNet(in_size=512, out_size=512, parsing_ch=19))
        write_pickle(path, Windows("parsenet").state(shapes))


# ------------------------------------------------------------------------------------------- (5) describe


@family
def blip():
    """Write BLIP of `Describe: Photograph`. It strings together a handful of common words, then stops."""
    path = models("clip_vision", "model_base_caption_capfilt_large.pth")
    if not wanted(path):
        return
    from extras.BLIP.models.med import BertLMHeadModel
    from extras.BLIP.models.vit import VisionTransformer
    from transformers import BertConfig

    home = os.path.join(ROOT, "extras", "BLIP")
    config = BertConfig.from_json_file(os.path.join(home, "configs", "med_config.json"))
    config.encoder_width = 768
    vit = shapes_of(
        lambda: VisionTransformer(img_size=384, patch_size=16, embed_dim=768, depth=12, num_heads=12),
        meta=False,
    )
    text = shapes_of(lambda: BertLMHeadModel(config=config))
    windows = Windows("blip")
    sd = {"visual_encoder." + k: v for k, v in windows.state(vit).items()}
    sd.update({"text_decoder." + k: v for k, v in windows.state(text).items()})
    with open(os.path.join(home, "models", "bert_tokenizer", "vocab.txt"), encoding="utf-8") as f:
        ids = {word.rstrip("\n"): n for n, word in enumerate(f)}
    bias = torch.full((config.vocab_size,), -30.0)
    for word in [
        "a",
        "the",
        "red",
        "blue",
        "green",
        "small",
        "cat",
        "dog",
        "tree",
        "house",
        "river",
        "person",
        "standing",
        "near",
        "under",
        "with",
        "and",
    ]:
        bias[ids[word]] = 10.0
    bias[ids["[SEP]"]] = 30.0  # ends the caption as soon as the minimum length is reached
    for name in ("bias", "decoder.bias"):
        if f"text_decoder.cls.predictions.{name}" in sd:
            sd[f"text_decoder.cls.predictions.{name}"] = bias
    write_pickle(path, {"model": sd})


def onnx_model(path, inputs, outputs, nodes, constants):
    """Write an ONNX graph. inputs/outputs: {name: shape}; constants: {name: numpy array}."""
    from onnx import TensorProto, checker, helper, numpy_helper

    def value(items):
        return [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in items.items()]

    graph = helper.make_graph(
        [helper.make_node(*n[:3], **n[3]) for n in nodes],
        "tiny",
        value(inputs),
        value(outputs),
        [numpy_helper.from_array(v, n) for n, v in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    checker.check_model(model)
    with open(path, "wb") as f:
        f.write(model.SerializeToString())
    wrote(path)


@family
def tagger():
    """Write the WD14 tagger of `Describe: Art/Anime`. The tag list (csv) comes with Fooocus."""
    path = models("clip_vision", "wd-v1-4-moat-tagger-v2.onnx")
    if not wanted(path):
        return
    import numpy as np

    with open(path.replace(".onnx", ".csv"), encoding="utf-8") as f:
        tags = len(list(csv.reader(f))) - 1
    random = np.random.default_rng(14)
    # mean colour -> logits; the biases let about one tag in five hundred through
    weight = random.normal(0, 0.3, (3, tags)).astype(np.float32)
    bias = random.normal(-6.0, 1.8, tags).astype(np.float32)
    nodes = [
        ("ReduceMean", ["image"], ["mean"], {"axes": [1, 2], "keepdims": 0}),
        ("Mul", ["mean", "scale"], ["unit"], {}),
        ("MatMul", ["unit", "weight"], ["scores"], {}),
        ("Add", ["scores", "bias"], ["logits"], {}),
        ("Sigmoid", ["logits"], ["tags"], {}),
    ]
    onnx_model(
        path,
        {"image": [1, 64, 64, 3]},
        {"tags": [1, tags]},
        nodes,
        {"weight": weight, "bias": bias, "scale": np.float32(1 / 255)},
    )


# --------------------------------------------------------------------------------------------- (6) masks


@family
def rembg():
    """Write the rembg sessions. Subject is a round blob in the middle, a little warped by the picture's colours;
    for clothes: upper third, lower third, and the middle as the full-body class."""
    import numpy as np

    random = np.random.default_rng(6)
    grid = np.linspace(-1, 1, 16, dtype=np.float32)
    blob = 4 - 10 * (grid[:, None] ** 2 + grid[None, :] ** 2)
    sizes = {
        "u2net": 320,
        "u2netp": 320,
        "u2net_human_seg": 320,
        "silueta": 320,
        "u2net_cloth_seg": 768,
        "isnet-general-use": 1024,
        "isnet-anime": 1024,
    }
    for name, side in sizes.items():
        path = models("inpaint", name + ".onnx")  # Fooocus points rembg's home, U2NET_HOME, at models/inpaint
        if not wanted(path):
            continue
        if name == "u2net_cloth_seg":
            rows = np.repeat(np.arange(16)[:, None], 16, axis=1)
            inside = blob > 0
            masks = [~inside, inside & (rows < 6), inside & (rows > 9), inside & (rows >= 6) & (rows <= 9)]
            prior = np.stack([np.where(m, 8.0, -8.0) for m in masks])[None].astype(np.float32)
        else:
            prior = blob[None, None]
        channels = prior.shape[1]
        weight = random.normal(0, 0.1, (channels, 3, 1, 1)).astype(np.float32)
        nodes = [
            ("Conv", ["image", "weight"], ["colour"], {}),
            ("Resize", ["prior", "", "scales"], ["place"], {"mode": "linear"}),
            ("Add", ["colour", "place"], ["logits"], {}),
        ]
        out = "logits"
        if channels == 1:
            nodes.append(("Sigmoid", ["logits"], ["mask"], {}))
            out = "mask"
        scales = np.array([1, 1, side / 16, side / 16], dtype=np.float32)
        onnx_model(
            path,
            {"image": [1, 3, side, side]},
            {out: [1, channels, side, side]},
            nodes,
            {"weight": weight, "prior": prior, "scales": scales},
        )


@family
def sam():
    """Write Segment Anything, ViT-B. Its size is fixed and its loader is strict, but the file need not be big."""
    path = models("sam", "sam_vit_b_01ec64.pth")
    if not wanted(path):
        return
    from segment_anything import sam_model_registry

    shapes = shapes_of(lambda: sam_model_registry["vit_b"]())
    write_pickle(path, Windows("sam4").state(shapes))  # a seed whose masks cover a fifth of the picture


@family
def grounding_dino():
    """Write GroundingDINO, and the BERT it asks the Hugging Face hub for, which is found in a folder of that name.

    It is made to detect exactly two things in any picture, with any words: two of the 900 queries are
    marked, the decoder carries the mark through, and the scores of the others are far below any threshold.
    (Left to chance it finds hundreds of boxes, and SAM, which Fooocus runs on all of them, 25 GB of memory.)
    """
    folder = os.path.join(ROOT, "bert-base-uncased")
    marker = os.path.join(folder, "pytorch_model.bin")
    hidden = 32
    if wanted(marker):
        os.makedirs(folder, exist_ok=True)
        tokenizer = os.path.join(ROOT, "extras", "BLIP", "models", "bert_tokenizer")
        for name in ("vocab.txt", "tokenizer.json", "tokenizer_config.json"):
            shutil.copy(os.path.join(tokenizer, name), folder)
        from transformers import BertConfig, BertModel

        config = BertConfig(
            hidden_size=hidden,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=64,
            architectures=["BertModel"],
        )
        config.save_pretrained(folder)
        write_pickle(marker, Windows("bert").state(shapes_of(lambda: BertModel(config))))
    path = models("inpaint", "groundingdino_swint_ogc.pth")
    if not wanted(path):
        return
    from groundingdino.models import build_model
    from groundingdino.util.slconfig import SLConfig

    args = SLConfig.fromfile(os.path.join(ROOT, "extras", "GroundingDINO", "config", "GroundingDINO_SwinT_OGC.py"))
    args.device = "cpu"
    shapes = shapes_of(lambda: build_model(args), meta=False)
    windows = Windows("dino")
    # the loader is not strict: index tables stay as the constructor makes them
    sd = windows.state({k: v for k, v in shapes.items() if v.dtype.is_floating_point})
    nothing = ("self_attn.out_proj", "cross_attn.output_proj", "ca_text.out_proj", "linear2")
    for name, t in shapes.items():
        if name.startswith(("transformer.decoder.layers.", "transformer.encoder.text_layers.")) and name.rsplit(".", 1)[
            0
        ].endswith(nothing):
            sd[name] = windows.constant(tuple(t.shape), 0)  # the layer passes its input on
    u = torch.tensor([1.0, -1.0]).repeat(128)  # LayerNorm maps u to u and 0 to 0; u.u = 256
    queries = torch.zeros(900, 256)
    queries[:2] = u
    sd.update(
        {
            "feat_map.weight": windows.normal((256, hidden), 2**-8),
            "feat_map.bias": u,  # any word: about u
            "transformer.tgt_embed.weight": queries,
            "transformer.decoder.norm.weight": torch.full((256,), 8 / 256),  # score of a query that is u:
            "transformer.decoder.norm.bias": -6 / 256 * u,
        }
    )  # 8 - 6, of one that is 0: -6
    for name in shapes:
        if (
            name.startswith(("bbox_embed.", "transformer.decoder.bbox_embed.", "transformer.enc_out_bbox_embed."))
            and ".layers.2." in name
        ):
            last = torch.tensor([0, 0, 0.5, 0.5]) if name.endswith("bias") else torch.zeros(4, 256)
            sd[name] = last  # every decoder layer widens the proposed box a bit
    write_pickle(path, {"model": sd})


# --------------------------------------------------------------------------------------------- (7) safety


@family
def safety_checker():
    """Write the NSFW checker (CLIP ViT-L). With --nsfw all it blacks out every picture, with none no picture."""
    path = models("safety_checker", "stable-diffusion-safety-checker.bin")
    if not wanted(path):
        return
    from extras.safety_checker.models.safety_checker import StableDiffusionSafetyChecker
    from transformers import CLIPConfig

    config = CLIPConfig.from_json_file(os.path.join(ROOT, "extras", "safety_checker", "configs", "config.json"))
    shapes = shapes_of(lambda: StableDiffusionSafetyChecker(config))
    sd = Windows("safety").state(shapes)
    threshold = -2.0 if NSFW == "all" else 2.0  # the threshold of a cosine
    sd["concept_embeds_weights"] = torch.full((17,), threshold)
    sd["special_care_embeds_weights"] = torch.full((3,), 2.0)
    write_pickle(path, sd)


@family
def config():
    """Write config.txt, if it is missing: the tiny checkpoint, no LoRAs, no styles, nothing to download."""
    path = os.path.join(ROOT, "config.txt")
    if os.path.exists(path):
        print("  kept   config.txt")
        return
    with open(path, "w", encoding="utf-8") as f:
        json.dump(
            {
                "default_model": "tiny_sdxl.safetensors",
                "default_refiner": "None",
                "default_styles": [],
                "default_loras": [[True, "None", 1.0]] * 5,
                "checkpoint_downloads": {},
                "lora_downloads": {},
                "embeddings_downloads": {},
            },
            f,
            indent=4,
        )
    wrote(path)


def main():
    global ROOT, FORCE, NSFW
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("fooocus_dir", nargs="?")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=list(FAMILIES), default=list(FAMILIES))
    parser.add_argument("--force", action="store_true", help="write files that exist already again")
    parser.add_argument("--nsfw", choices=("all", "none"), default="all", help="what the safety checker flags")
    parser.add_argument("--list", action="store_true", help="list the families and stop")
    args = parser.parse_args()
    if args.list or not args.fooocus_dir:
        for name, function in FAMILIES.items():
            print(f"{name:15} {function.__doc__.strip().splitlines()[0]}")
        return
    ROOT, FORCE, NSFW = os.path.abspath(args.fooocus_dir), args.force, args.nsfw
    if not os.path.exists(os.path.join(ROOT, "fooocus_version.py")):
        sys.exit(f"{ROOT} is not a Fooocus checkout")
    sys.path.insert(0, ROOT)  # some shapes are taken from Fooocus's own classes
    os.chdir(ROOT)
    sys.argv = [sys.argv[0], "--always-cpu"]
    import args_manager  # parses the command line, which ldm_patched then goes by  # noqa

    torch.set_grad_enabled(False)
    for name in args.only:
        print(name)
        FAMILIES[name]()


if __name__ == "__main__":
    main()
