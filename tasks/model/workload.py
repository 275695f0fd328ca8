"""The cost of a task: the models it needs, and its steps and pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

MODEL_FIELDS = ("base_model_name", "refiner_model_name", "vae_name")


@dataclass(frozen=True)
class ModelNeeds:
    """Models and LoRAs that a task needs in memory. `models` begins with the most expensive to load."""

    models: tuple[str, ...] = ()
    loras: frozenset[tuple[str, float]] = frozenset()

    @classmethod
    def of(cls, parameters: dict[str, Any]) -> ModelNeeds:
        """Return the needs of a request's parameters."""
        loras = (
            (str(lora.get("model_name")), float(lora.get("weight") or 0))
            for lora in parameters.get("loras") or []
            if lora.get("enabled") and lora.get("model_name") not in (None, "None")
        )
        models = tuple(str(parameters.get(name) or "") for name in MODEL_FIELDS)
        # A performance such as Lightning adds its own LoRA.
        return cls(models, frozenset(loras) | {(str(parameters.get("performance_selection")), 0.0)})

    def match(self, loaded: ModelNeeds | None) -> int:
        """Return how many of these models are loaded, plus 1 if all of them and the LoRAs are; 0 with another checkpoint."""
        if loaded is None or not self.models or self.models[0] != loaded.models[0]:
            return 0
        same = [mine == theirs for mine, theirs in zip(self.models, loaded.models, strict=True)]
        return sum(same) + (1 if all(same) and self.loras == loaded.loras else 0)


@dataclass(frozen=True)
class Effort:
    """Factors of a task's duration; `size` is the steps of one image times its megapixels."""

    needs: ModelNeeds
    checkpoint: str
    kind: tuple[str, str]
    images: int
    size: float
