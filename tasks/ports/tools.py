"""Protocol of the host's tools other than image generation. Implemented by `adapters`."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy
from numpy.typing import NDArray

from ..model.task import TaskError
from .prompts import Prompts

Picture = NDArray[numpy.uint8]
"""An RGB image of HxWx3, or a mask of HxW."""

DescribeKind = Literal["photo", "anime"]


class ToolFailed(Exception):
    """The host raised an exception inside a tool; `error` has its type and message."""

    def __init__(self, error: TaskError) -> None:
        super().__init__(f"{error.type}: {error.message}")
        self.error = error


@dataclass(frozen=True)
class MaskOptions:
    """Options for generating a mask. All but `mask_model` and `cloth_category` apply to the model `sam` only.

    `dino_prompt_text` describes the objects to detect, `sam_max_detections` limits their number (0: all),
    `dino_erode_or_dilate` enlarges their boxes by this number of pixels (negative: reduces them), and with `dino_debug` the
    boxes themselves are the mask.
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
class UnloadResult:
    """Result of an unload: bytes freed in the memory of `device` ("GPU" or "RAM"), None if it can't be measured."""

    freed: int | None
    device: str


class ToolsOfNodes(Protocol):
    """The tools of a cluster's nodes."""

    def names(self) -> list[str]:
        """Return the names of the nodes that take requests. Blocking."""

    def of(self, node: str | None) -> Tools:
        """Return the tools of the node with this name; None for any node, and for an unload for all of them. The futures may fail
        with `EngineUnavailable` or `StorageUnavailable`, too."""

    def look(self, within_s: float) -> None:
        """Have all nodes that take requests write what they offer now, and wait for them at most this long.

        Raises:
            DatabaseUnavailable: the nodes can't be read.
        """

    def prompts(self) -> Prompts:
        """Return the functions for prompts of any node. The futures may fail with `ToolFailed`, `EngineUnavailable` or
        `DatabaseUnavailable`, and with `ParameterError` for what is too large to be sent."""


class Tools(Protocol):
    """Tools that run on the worker thread, in turn with the queued tasks. A call returns at once; the future has the result.

    A future cancelled before its turn is skipped. A future may fail with `ToolFailed`.

    Raises:
        EngineUnavailable: the worker is not running.
    """

    def describe(self, image: Picture, kind: DescribeKind) -> Future[str]:
        """Describe an image: a caption for a photo, tags for an anime image."""

    def mask(self, image: Picture, options: MaskOptions) -> Future[Picture]:
        """Detect an object in an image, and return a mask of the image's size, white on black."""

    def unload(self) -> Future[UnloadResult]:
        """Free the models' memory. The next task loads what it needs again."""
