"""References to images, as parameters and records store them: `inputs/<file name>` and `outputs/<date>/<file name>`, in
a cluster `outputs/<node>/<date>/<file name>`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

Kind = Literal["inputs", "outputs"]
INPUT_PREFIX = "inputs/"
REFERENCE_PREFIXES: tuple[str, ...] = ("outputs/", INPUT_PREFIX)
"""The beginnings of all references."""


OLDER_PREFIX = "files/"
"""The beginning of the paths of generated images in Fooocus-API."""


def without_older_prefix(path: str) -> str:
    """Return the path of a generated image, without its leading slash, for its older one; any other path unchanged."""
    return f"outputs/{path.removeprefix(OLDER_PREFIX)}" if path.startswith(OLDER_PREFIX) else path


@dataclass(frozen=True)
class ImageReference:
    """An image of this server. `name` is its file name, or its path relative to the outputs folder with forward slashes."""

    kind: Kind
    name: str

    @classmethod
    def input(cls, file_name: str) -> ImageReference:
        """Return the reference to an image that a client sent."""
        return cls("inputs", file_name)

    @classmethod
    def output(cls, relative: str) -> ImageReference:
        """Return the reference to a generated image."""
        return cls("outputs", relative)

    @classmethod
    def parse(cls, text: str) -> ImageReference | None:
        """Return the reference that a text is, None if it is another text. The image need not exist."""
        kind, _, name = text.partition("/")
        if not name:
            return None
        if kind == "inputs":
            return cls.input(name)
        return cls.output(name) if kind == "outputs" else None

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"

    @property
    def url_path(self) -> str:
        """The path of the image's URL on this server."""
        return f"/{quote(str(self))}"
