"""The facts about a request that the domain uses. Its other parameters pass through the domain unread."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

USUAL_STEPS = 30


@dataclass(frozen=True)
class ModelNeeds:
    """Models and LoRAs that a task needs in memory. `models` begins with the most expensive to load."""

    models: tuple[str, ...] = ()
    loras: frozenset[tuple[str, float]] = frozenset()

    def match(self, loaded: ModelNeeds | None) -> int:
        """Return how many of these models are loaded, plus 1 if all of them and the LoRAs are; 0 with another checkpoint."""
        if loaded is None or not self.models or self.models[:1] != loaded.models[:1]:
            return 0
        same = [mine == theirs for mine, theirs in zip(self.models, loaded.models, strict=True)]
        return sum(same) + (1 if all(same) and self.loras == loaded.loras else 0)


@dataclass(frozen=True)
class Workload:
    """Facts about a task that its request decides. `Engine.workload` reads them from the parameters.

    `kind` names the kind of work: tasks of one kind take the same time per step and megapixel with the same checkpoint.
    `steps` and `megapixels` are those of one image, `images` is the number of requested images. `inputs` are the file names
    of the inputs that the task uses. `tags` are the client's labels. `repeats` is the id of the task whose random state is
    restored, empty for none.
    """

    needs: ModelNeeds = ModelNeeds()
    kind: str = "text"
    steps: int = USUAL_STEPS
    megapixels: float = 1.0
    images: int = 1
    priority: int = 0
    output_format: str = "png"
    prompt: str = ""
    inputs: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    repeats: str = ""

    @property
    def checkpoint(self) -> str:
        """The checkpoint's name; empty if the request names none."""
        return self.needs.models[0] if self.needs.models else ""

    @property
    def size(self) -> float:
        """The steps of one image times its megapixels."""
        return self.steps * self.megapixels

    @cached_property
    def search_text(self) -> str:
        """The prompt in lower case, for searches."""
        return self.prompt.casefold()
