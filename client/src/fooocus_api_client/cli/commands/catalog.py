"""`fooocus models` and `fooocus styles`."""

# The annotations are no texts here (`from __future__ import annotations`), as typer can't read these with Python 3.9.

from typing import Annotated, Optional

import typer

from ..frame.names import styles as style_names
from ..frame.options import Json, Key, Url
from ..frame.session import connected
from ..frame.terminal import print_json, print_rows

UNITS = ("B", "kB", "MB", "GB")


def models(
    kind: Annotated[Optional[str], typer.Option("--kind", help="Only checkpoint, lora, vae, …")] = None,
    url: Url = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """List the model files."""
    with connected(url, key, as_json=as_json) as client:
        found = [model for model in client.catalog.model_files() if kind in (None, model.kind)]
        if as_json:
            print_json([model.received for model in found])
        else:
            print_rows(["Name", "Kind", "Size"], [[model.name, model.kind, size_of(model.size)] for model in found])


def styles(
    name: Annotated[
        Optional[str], typer.Argument(help="A style, whose templates to show.", autocompletion=style_names)
    ] = None,
    url: Url = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """List the styles, or show the templates of one."""
    with connected(url, key, as_json=as_json) as client:
        if name is None:
            found = client.catalog.styles()
            print_json(found) if as_json else print_rows(["Style"], [[one] for one in found])
            return
        style = client.catalog.style(name)
        rows = [["prompt", style.prompt or ""], ["negative prompt", style.negative_prompt or ""]]
        print_json(style.received) if as_json else print_rows([style.name, ""], rows)


def size_of(number: int) -> str:
    """Return a number of bytes in words."""
    value, unit = float(number), 0
    while value >= 1000 and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.0f} {UNITS[unit]}" if unit < 2 else f"{value:.1f} {UNITS[unit]}"
