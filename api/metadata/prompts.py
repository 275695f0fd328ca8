"""Takes LoRA tags out of prompts, as a request names its LoRAs in a list."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from ...tasks.model.workload.lora_tags import BEGINNING, TAG

_BROKEN = re.compile(rf"{BEGINNING.pattern}[^<>\n]{{0,200}}>?", re.IGNORECASE)
_BLANKS = re.compile(r"[ \t]{2,}")


def tags_in(prompt: str) -> Iterator[tuple[str, float | None]]:
    """Yield name and weight of each tag; the weight is None if the tag has an invalid one."""
    for match in TAG.finditer(prompt):
        name, *weights = (part.strip() for part in match[1].split(":"))
        yield name, _weight(weights[0]) if weights and weights[0] else 1.0


def without_tags(prompt: str) -> str:
    """Return a prompt without LoRA tags, whole or broken."""
    if not BEGINNING.search(prompt):
        return prompt
    lines = (_BROKEN.sub("", TAG.sub("", line)) for line in prompt.split("\n"))
    return "\n".join(_BLANKS.sub(" ", line).strip() for line in lines).strip()


def _weight(written: str) -> float | None:
    try:
        weight = float(written)
    except ValueError:
        return None
    return weight if math.isfinite(weight) else None
