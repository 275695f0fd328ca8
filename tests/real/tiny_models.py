#!/usr/bin/env python3
"""Tiny random-weight models, written into a Fooocus 2.5.x checkout so that all its features run on a CPU.

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
    torch.save stores such a buffer once (see tiny/windows.py);
  * .safetensors files cannot share storage, so their big matrices are 8-bit floats, and the middle layers
    of the big CLIP encoders are zero and are left as holes in a sparse file (see tiny/writers.py);
  * the UNet has the block structure that Fooocus recognises as SDXL (Segmind-Vega's depths) but 320
    channels on every level;
  * the VAE inside the checkpoints is a TAESD, which the same loader accepts: 1024x1024 takes about a
    second where the full SDXL VAE takes a minute. Its weights, and those of the upscaler, are chosen so
    that they roughly reproduce their input (plus random noise): results of Upscale, Vary and Inpaint
    still show the picture they were made from.
"""

from tiny.command import main

if __name__ == "__main__":
    main((__doc__ or "").split("\n")[0])
