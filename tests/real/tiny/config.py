"""The configuration of a Fooocus that has the tiny models alone."""

from __future__ import annotations

import json

from .checkout import Checkout

SETTINGS = {
    "default_model": "tiny_sdxl.safetensors",
    "default_refiner": "None",
    "default_styles": [],
    "default_loras": [[True, "None", 1.0]] * 5,
    "checkpoint_downloads": {},
    "lora_downloads": {},
    "embeddings_downloads": {},
}


def config(checkout: Checkout) -> None:
    """Write config.txt, if it is missing: the tiny checkpoint, no LoRAs, no styles, nothing to download."""
    path = checkout.root / "config.txt"
    if path.exists():
        print("  kept   config.txt")
        return
    path.write_text(json.dumps(SETTINGS, indent=4), encoding="utf-8")
    checkout.report(path)
