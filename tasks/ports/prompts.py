"""Protocol of the host's processing of prompts: wildcards, arrays, styles, LoRA tags and expansion. Implemented by `adapters`."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class ResolvedPrompt:
    """The prompt of one image as the host encodes it.

    `prompt_lines` and `negative_lines` are those of the request without LoRA tags, with wildcards and arrays replaced; `styles`
    has the names in place of random styles, the expansion first. `positive` and `negative` are all texts in the order of their
    encoding, without the expansion's. `loras` are the files and weights.
    """

    seed: int
    prompt_lines: tuple[str, ...]
    negative_lines: tuple[str, ...]
    styles: tuple[str, ...]
    positive: tuple[str, ...]
    negative: tuple[str, ...]
    loras: tuple[tuple[str, float], ...]
    is_expanded: bool
    """True if the host adds words of its prompt expansion."""


class Prompts(Protocol):
    """The host's functions for prompts."""

    def resolve(self, parameters: dict[str, Any], seed: int, indexes: Sequence[int]) -> Future[list[ResolvedPrompt]]:
        """Return the prompts of some of a request's images. Returns at once.

        Reads the files of wildcards; needs no model, and no turn of the worker's thread. The future may fail with
        `ParameterError`, as for an unknown style. At a gateway it may fail as those of `ToolsOfNodes.prompts` do.

        Args:
            parameters: the request's fields.
            seed: that of the first image.
            indexes: the images, counted from 0.
        """

    def expand(self, prompts: Sequence[ResolvedPrompt]) -> Future[list[str]]:
        """Return the text of the expansion for each prompt, empty where the host adds none.

        Runs on the worker's thread, in turn with the queued tasks. The future may fail with `ToolFailed`.

        Raises:
            EngineUnavailable: the worker is not running.
        """
