"""GroundingDINO, which finds the objects that a text names, and its BERT."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch

from ..checkout import Checkout
from ..weights import shapes_of
from ..windows import Windows
from ..writers import write_pickle

HIDDEN = 32
"""Hidden size of the BERT."""
ZEROED_BLOCKS = ("transformer.decoder.layers.", "transformer.encoder.text_layers.")
ZEROED_LAYERS = ("self_attn.out_proj", "cross_attn.output_proj", "ca_text.out_proj", "linear2")
"""Last layers of the residual branches: zero, they let a block pass its input on."""
BOX_HEADS = ("bbox_embed.", "transformer.decoder.bbox_embed.", "transformer.enc_out_bbox_embed.")


def grounding_dino(checkout: Checkout) -> None:
    """Write GroundingDINO, and the BERT it asks the Hugging Face hub for, which is found in a folder of that name."""
    weights = checkout.root / "bert-base-uncased" / "pytorch_model.bin"
    if checkout.wants(weights):
        write_bert(checkout, weights)
    path = checkout.model("inpaint", "groundingdino_swint_ogc.pth")
    if checkout.wants(path):
        write_pickle(checkout, path, {"model": detector_state(checkout)})


def write_bert(checkout: Checkout, weights: Path) -> None:
    """Write the folder of a BERT: the tokenizer that comes with Fooocus, a config, and the weights."""
    folder = weights.parent
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = checkout.root / "extras" / "BLIP" / "models" / "bert_tokenizer"
    for name in ("vocab.txt", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tokenizer / name, folder)
    from transformers import BertConfig, BertModel

    config = BertConfig(
        hidden_size=HIDDEN,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        architectures=["BertModel"],
    )
    config.save_pretrained(str(folder))
    write_pickle(checkout, weights, Windows("bert").state(shapes_of(lambda: BertModel(config))))


def detector_state(checkout: Checkout) -> dict[str, torch.Tensor]:
    """Return a detector that finds exactly two things in any picture, with any words.

    Two of the 900 queries are marked, the decoder carries the mark through, and the scores of the others
    are far below any threshold. (Left to chance it finds hundreds of boxes, and SAM, which Fooocus runs on
    all of them, 25 GB of memory.)
    """
    from groundingdino.models import build_model
    from groundingdino.util.slconfig import SLConfig

    config = checkout.root / "extras" / "GroundingDINO" / "config" / "GroundingDINO_SwinT_OGC.py"
    args = SLConfig.fromfile(str(config))
    args.device = "cpu"
    shapes = shapes_of(lambda: build_model(args), meta=False)
    windows = Windows("dino")
    # the loader is not strict: index tables stay as the constructor makes them
    state = windows.state({name: tensor for name, tensor in shapes.items() if tensor.dtype.is_floating_point})
    for name, tensor in shapes.items():
        if name.startswith(ZEROED_BLOCKS) and name.rpartition(".")[0].endswith(ZEROED_LAYERS):
            state[name] = windows.constant(tuple(tensor.shape), 0)
    mark = torch.tensor([1.0, -1.0]).repeat(128)  # LayerNorm maps the mark to itself and 0 to 0; mark.mark = 256
    queries = torch.zeros(900, 256)
    queries[:2] = mark
    state["feat_map.weight"] = windows.normal((256, HIDDEN), 2**-8)
    state["feat_map.bias"] = mark  # any word: about the mark
    state["transformer.tgt_embed.weight"] = queries
    # score of a marked query: 8 - 6, of another: -6
    state["transformer.decoder.norm.weight"] = torch.full((256,), 8 / 256)
    state["transformer.decoder.norm.bias"] = -6 / 256 * mark
    for name in shapes:
        if name.startswith(BOX_HEADS) and ".layers.2." in name:
            # every decoder layer widens the proposed box a bit
            state[name] = torch.tensor([0, 0, 0.5, 0.5]) if name.endswith("bias") else torch.zeros(4, 256)
    return state
