"""`fooocus generate`."""

# The annotations are no texts here (`from __future__ import annotations`), as typer can't read these with Python 3.9.

import sys
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from ..frame.names import models, presets, styles
from ..frame.options import Fields, Json, Key, NoWait, Output, Preview, Url, fields_of
from ..frame.session import connected
from .results import Results, run


def generate(
    prompt: Annotated[str, typer.Argument(help="The description of the image; `-` reads it from standard input.")],
    output: Output = None,
    negative: Annotated[Optional[str], typer.Option("--negative", help="A description of what to avoid.")] = None,
    size: Annotated[Optional[str], typer.Option("--size", help="Width and height, as in 1024x1024, or 16:9.")] = None,
    number: Annotated[Optional[int], typer.Option("--number", "-n", help="The number of images.", min=1)] = None,
    seed: Annotated[Optional[int], typer.Option("--seed", help="The seed of the first image.")] = None,
    style: Annotated[
        Optional[list[str]], typer.Option("--style", help="A style; may be given several times.", autocompletion=styles)
    ] = None,
    model: Annotated[Optional[str], typer.Option("--model", help="The checkpoint.", autocompletion=models)] = None,
    preset: Annotated[Optional[str], typer.Option("--preset", help="A preset.", autocompletion=presets)] = None,
    performance: Annotated[Optional[str], typer.Option("--performance", help="Speed, Quality, Lightning, …")] = None,
    lora: Annotated[
        Optional[list[str]],
        typer.Option("--lora", help="A LoRA, with its weight if you like.", metavar="NAME[:WEIGHT]"),
    ] = None,
    image_prompt: Annotated[
        Optional[list[Path]], typer.Option("--image-prompt", help="An image that guides the result.", exists=True)
    ] = None,
    tag: Annotated[Optional[list[str]], typer.Option("--tag", help="A label of the task.")] = None,
    fields: Fields = None,
    no_wait: NoWait = False,
    preview: Preview = "auto",
    url: Url = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Generate images of a prompt.

    In a terminal a bar shows the progress, and the images are saved in the current folder or in -o. In a pipe the image itself is
    written to standard output, or its record with --json.
    """
    with connected(url, key, as_json=as_json) as client:
        chosen: dict[str, Any] = {
            "prompt": sys.stdin.read().strip() if prompt == "-" else prompt,
            "negative_prompt": negative,
            "aspect_ratios_selection": size,
            "image_number": number,
            "image_seed": seed,
            "style_selections": style or None,
            "base_model_name": model,
            "preset": preset,
            "performance_selection": performance,
            "loras": [lora_of(one) for one in lora or ()] or None,
            "controlnet_image": [{"cn_img": path} for path in image_prompt or ()] or None,
            "tags": tag or None,
            **fields_of(fields),
        }
        given = {name: value for name, value in chosen.items() if value is not None}
        results = Results(output, as_json=as_json)
        run(client, given, results, no_wait=no_wait, preview=preview, as_json=as_json)


def lora_of(text: str) -> dict[str, Any]:
    """Return a LoRA of `NAME` or `NAME:WEIGHT`."""
    name, colon, weight = text.rpartition(":")
    if not colon:
        return {"model_name": text}
    try:
        return {"model_name": name, "weight": float(weight)}
    except ValueError:
        return {"model_name": text}
