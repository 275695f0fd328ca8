"""What the API needs of the tools beside drawing. Implemented by `adapters`, known here only by its shape."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy
from numpy.typing import NDArray

from .task import TaskError

Picture = NDArray[numpy.uint8]
"""RGB of HxWx3, or a mask of HxW."""

DescribeKind = Literal["photo", "anime"]


class ToolFailed(Exception):
    """The host raised inside a tool; `error` has its words."""

    def __init__(self, error: TaskError) -> None:
        super().__init__(f"{error.type}: {error.message}")
        self.error = error


@dataclass(frozen=True)
class MaskOptions:
    """How to make a mask. All but `mask_model` and `cloth_category` count for the model `sam` alone.

    `dino_prompt_text` says what to look for, `sam_max_detections` how many of those at most (0: all),
    `dino_erode_or_dilate` by how many pixels their boxes are enlarged (negative: reduced), and with `dino_debug` the boxes
    themselves are the mask.
    """

    mask_model: str
    cloth_category: str = "full"
    dino_prompt_text: str = ""
    sam_model: str = "vit_b"
    box_threshold: float = 0.3
    text_threshold: float = 0.25
    sam_max_detections: int = 0
    dino_erode_or_dilate: int = 0
    dino_debug: bool = False


@dataclass(frozen=True)
class Unloaded:
    """What an unload did: bytes freed of the memory of `device` ("GPU" or "RAM"), None where it can't be measured."""

    freed: int | None
    device: str


class Tools(Protocol):
    """Each takes its turn with the tasks in the worker's queue: the call returns at once, the answer is in the future.

    A future that is cancelled before its turn is passed over. It may end with `ToolFailed`.

    Raises:
        EngineUnavailable: there is no worker to do it.
    """

    def describe(self, image: Picture, kind: DescribeKind) -> Future[str]:
        """Words for a picture: a caption of a photo, tags of an anime picture."""

    def mask(self, image: Picture, options: MaskOptions) -> Future[Picture]:
        """Where in a picture something is, white on black, of the picture's size."""

    def unload(self) -> Future[Unloaded]:
        """Free the models' memory. The next task loads what it needs again."""
