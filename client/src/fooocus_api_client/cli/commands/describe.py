"""`fooocus describe`."""

# The annotations are no texts here (`from __future__ import annotations`), as typer can't read these with Python 3.9.

from typing import Annotated

import typer

from ..frame.options import ImageFile, Json, Key, Url
from ..frame.session import connected
from ..frame.terminal import print_json


def describe(
    image: ImageFile,
    anime: Annotated[bool, typer.Option("--anime", help="Return tags, as suit anime and art.")] = False,
    url: Url = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Describe an image in words that can serve as a prompt."""
    with connected(url, key, as_json=as_json) as client:
        words = client.tools.describe(image, kind="Anime" if anime else "Photo")
        print_json({"describe": words}) if as_json else print(words)
