"""Models that describe a picture: BLIP for photographs, the WD14 tagger for drawings."""

from __future__ import annotations

import csv

import torch

from ..checkout import Checkout
from ..weights import shapes_of
from ..windows import Windows
from ..writers import Node, write_onnx, write_pickle

WORDS = "a the red blue green small cat dog tree house river person standing near under with and"
"""The words of BLIP's captions."""


def blip(checkout: Checkout) -> None:
    """Write BLIP of `Describe: Photograph`. It strings together a handful of common words, then stops."""
    path = checkout.model("clip_vision", "model_base_caption_capfilt_large.pth")
    if not checkout.wants(path):
        return
    from extras.BLIP.models.med import BertLMHeadModel
    from extras.BLIP.models.vit import VisionTransformer
    from transformers import BertConfig

    home = checkout.root / "extras" / "BLIP"
    config = BertConfig.from_json_file(str(home / "configs" / "med_config.json"))
    config.encoder_width = 768
    vision = shapes_of(
        lambda: VisionTransformer(img_size=384, patch_size=16, embed_dim=768, depth=12, num_heads=12),
        meta=False,
    )
    text = shapes_of(lambda: BertLMHeadModel(config=config))
    windows = Windows("blip")
    state = {"visual_encoder." + name: tensor for name, tensor in windows.state(vision).items()}
    state.update({"text_decoder." + name: tensor for name, tensor in windows.state(text).items()})
    with (home / "models" / "bert_tokenizer" / "vocab.txt").open(encoding="utf-8") as vocabulary:
        ids = {word.rstrip("\n"): number for number, word in enumerate(vocabulary)}
    bias = torch.full((config.vocab_size,), -30.0)
    for word in WORDS.split():
        bias[ids[word]] = 10.0
    bias[ids["[SEP]"]] = 30.0  # ends the caption as soon as the minimum length is reached
    for name in ("bias", "decoder.bias"):
        if f"text_decoder.cls.predictions.{name}" in state:
            state[f"text_decoder.cls.predictions.{name}"] = bias
    write_pickle(checkout, path, {"model": state})


def tagger(checkout: Checkout) -> None:
    """Write the WD14 tagger of `Describe: Art/Anime`. The tag list (csv) comes with Fooocus."""
    path = checkout.model("clip_vision", "wd-v1-4-moat-tagger-v2.onnx")
    if not checkout.wants(path):
        return
    import numpy as np

    with path.with_suffix(".csv").open(encoding="utf-8") as file:
        tags = len(list(csv.reader(file))) - 1
    random = np.random.default_rng(14)
    # mean colour -> logits; the biases let about one tag in five hundred through
    weight = random.normal(0, 0.3, (3, tags)).astype(np.float32)
    bias = random.normal(-6.0, 1.8, tags).astype(np.float32)
    nodes = [
        Node("ReduceMean", ["image"], ["mean"], {"axes": [1, 2], "keepdims": 0}),
        Node("Mul", ["mean", "scale"], ["unit"]),
        Node("MatMul", ["unit", "weight"], ["scores"]),
        Node("Add", ["scores", "bias"], ["logits"]),
        Node("Sigmoid", ["logits"], ["tags"]),
    ]
    constants = {"weight": weight, "bias": bias, "scale": np.float32(1 / 255)}
    write_onnx(checkout, path, {"image": [1, 64, 64, 3]}, {"tags": [1, tags]}, nodes, constants)
