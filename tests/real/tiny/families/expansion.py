"""The GPT-2 that expands prompts."""

from __future__ import annotations

from ..checkout import Checkout
from ..weights import shapes_of
from ..windows import Windows
from ..writers import write_pickle


def expansion(checkout: Checkout) -> None:
    """Write the GPT-2 of `Fooocus V2` prompt expansion; its config and vocabulary come with Fooocus."""
    path = checkout.model("prompt_expansion", "fooocus_expansion", "pytorch_model.bin")
    if not checkout.wants(path):
        return
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(str(path.parent))
    shapes = shapes_of(lambda: AutoModelForCausalLM.from_config(config))
    shapes.pop("lm_head.weight", None)  # tied to the embedding
    write_pickle(checkout, path, Windows(path.as_posix()[-40:]).state(shapes))
