"""`fooocus upscale` and `fooocus inpaint`: new images of an image."""

# The annotations are no texts here (`from __future__ import annotations`), as typer can't read these with Python 3.9.

from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from ..frame.options import Fields, ImageFile, Json, Key, NoWait, Output, Preview, Url, fields_of
from ..frame.session import connected
from .results import Results, run

METHODS = {1.5: "Upscale (1.5x)", 2.0: "Upscale (2x)"}
"""Factor → Fooocus's own method."""


def upscale(
    image: ImageFile,
    output: Output = None,
    by: Annotated[float, typer.Option("--by", help="The factor, from 1 to 5.", min=1, max=5)] = 2.0,
    fast: Annotated[bool, typer.Option("--fast", help="Enlarge by 2 without generating again.")] = False,
    prompt: Annotated[str, typer.Option("--prompt", help="The description of the image.")] = "",
    fields: Fields = None,
    no_wait: NoWait = False,
    preview: Preview = "auto",
    url: Url = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Enlarge an image."""
    with connected(url, key, as_json=as_json) as client:
        chosen: dict[str, Any] = {"prompt": prompt, "uov_input_image": image}
        chosen["uov_method"] = "Upscale (Fast 2x)" if fast else METHODS.get(by, "Upscale (Custom)")
        if chosen["uov_method"] == "Upscale (Custom)":
            chosen["upscale_multiple"] = by
        results = Results(output, as_json=as_json)
        chosen.update(fields_of(fields))
        run(client, chosen, results, no_wait=no_wait, preview=preview, as_json=as_json)


def inpaint(
    image: ImageFile,
    prompt: Annotated[str, typer.Argument(help="The description of the new part.")] = "",
    mask: Annotated[
        Optional[Path],
        typer.Option("--mask", help="An image that is white where to generate.", exists=True, dir_okay=False),
    ] = None,
    extend: Annotated[
        Optional[list[str]],
        typer.Option("--extend", help="A side to extend: left, right, top or bottom; may be given several times."),
    ] = None,
    output: Output = None,
    fields: Fields = None,
    no_wait: NoWait = False,
    preview: Preview = "auto",
    url: Url = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Generate a part of an image again (--mask), or beyond its sides (--extend)."""
    if mask is None and not extend:
        raise typer.BadParameter("name what to generate: --mask FILE, or --extend SIDE", param_hint="--mask")
    with connected(url, key, as_json=as_json) as client:
        chosen: dict[str, Any] = {"prompt": prompt, "inpaint_input_image": image}
        if mask is not None:
            chosen["inpaint_mask_image_upload"] = mask
        if extend:
            chosen["outpaint_selections"] = [side.capitalize() for side in extend]
        results = Results(output, as_json=as_json)
        chosen.update(fields_of(fields))
        run(client, chosen, results, no_wait=no_wait, preview=preview, as_json=as_json)
