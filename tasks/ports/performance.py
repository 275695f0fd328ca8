"""Performances of the host, such as Speed and Lightning."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Performance:
    """A performance by its name. `steps` is its number of steps, None if the host names none.

    `lora` is the file of its own LoRA, None without one. A performance with a LoRA sets the sampler and further settings itself.
    """

    name: str
    steps: int | None = None
    lora: str | None = None
