"""Models that make masks of a picture: the rembg sessions and Segment Anything."""

from __future__ import annotations

from typing import Any

from ..checkout import Checkout
from ..weights import shapes_of
from ..windows import Windows
from ..writers import Node, write_onnx, write_pickle

SIDES = {
    "u2net": 320,
    "u2netp": 320,
    "u2net_human_seg": 320,
    "silueta": 320,
    "u2net_cloth_seg": 768,
    "isnet-general-use": 1024,
    "isnet-anime": 1024,
}
"""The size of a picture, by the name of its session."""


def rembg(checkout: Checkout) -> None:
    """Write the rembg sessions. Subject is a round blob in the middle, a little warped by the picture's colours;
    for clothes: upper third, lower third, and the middle as the full-body class."""
    import numpy as np

    random = np.random.default_rng(6)
    for name, side in SIDES.items():
        path = checkout.model("inpaint", name + ".onnx")  # Fooocus points rembg's home, U2NET_HOME, at models/inpaint
        if not checkout.wants(path):
            continue
        prior = mask_prior(clothes=name == "u2net_cloth_seg")
        channels = prior.shape[1]
        weight = random.normal(0, 0.1, (channels, 3, 1, 1)).astype(np.float32)
        nodes = [
            Node("Conv", ["image", "weight"], ["colour"]),
            Node("Resize", ["prior", "", "scales"], ["place"], {"mode": "linear"}),
            Node("Add", ["colour", "place"], ["logits"]),
        ]
        output = "logits"
        if channels == 1:
            nodes.append(Node("Sigmoid", ["logits"], ["mask"]))
            output = "mask"
        scales = np.array([1, 1, side / 16, side / 16], dtype=np.float32)
        constants = {"weight": weight, "prior": prior, "scales": scales}
        write_onnx(checkout, path, {"image": [1, 3, side, side]}, {output: [1, channels, side, side]}, nodes, constants)


def mask_prior(clothes: bool) -> Any:
    """Return the logits of each class (background, upper, lower and full body; or the subject alone), as a 16x16 numpy array."""
    import numpy as np

    grid = np.linspace(-1, 1, 16, dtype=np.float32)
    blob = 4 - 10 * (grid[:, None] ** 2 + grid[None, :] ** 2)
    if not clothes:
        return blob[None, None]
    rows = np.repeat(np.arange(16)[:, None], 16, axis=1)
    inside = blob > 0
    masks = [~inside, inside & (rows < 6), inside & (rows > 9), inside & (rows >= 6) & (rows <= 9)]
    return np.stack([np.where(mask, 8.0, -8.0) for mask in masks])[None].astype(np.float32)


def sam(checkout: Checkout) -> None:
    """Write Segment Anything, ViT-B. Its size is fixed and its loader is strict, but the file need not be big."""
    path = checkout.model("sam", "sam_vit_b_01ec64.pth")
    if not checkout.wants(path):
        return
    from segment_anything import sam_model_registry

    shapes = shapes_of(lambda: sam_model_registry["vit_b"]())
    # a seed whose masks cover a fifth of the picture
    write_pickle(checkout, path, Windows("sam4").state(shapes))
