"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from .fields import parsed_field

Url = Annotated[
    Optional[str],
    typer.Option("--url", help="Address of Fooocus; by default FOOOCUS_URL, or that of `fooocus login`."),
]
Key = Annotated[
    Optional[str],
    typer.Option("--key", help="API key; by default FOOOCUS_API_KEY, or that of `fooocus login`."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Output = Annotated[
    Optional[str],
    typer.Option("--output", "-o", help="File or folder for the images; `-` is standard output.", metavar="PATH"),
]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Print the task's id at once.")]
Preview = Annotated[
    str,
    typer.Option("--preview", help="Pictures in the terminal: auto, kitty, iterm, sixel, blocks or none."),
]
Fields = Annotated[
    Optional[list[str]],
    typer.Option(
        "--set", help="Any field of the API, as in `guidance_scale=7`; the value may be JSON.", metavar="NAME=VALUE"
    ),
]
ImageFile = Annotated[Path, typer.Argument(help="An image file.", exists=True, dir_okay=False)]


def fields_of(given: Optional[list[str]]) -> dict[str, Any]:
    """Return the fields of `--set`.

    Raises:
        typer.BadParameter: one of them has no value.
    """
    try:
        return dict(parsed_field(text) for text in given or ())
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--set") from error
