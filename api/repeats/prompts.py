"""Compares the prompts that a request would give today with those that an image was generated with."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...tasks.model.task import Image
from ...tasks.model.workload.lora_tags import TAG
from ...tasks.model.workload.prompt_parts import has_array, has_many_parts, number_of_wildcards
from ...tasks.ports.engine import ParameterError
from ...tasks.ports.prompts import Prompts, ResolvedPrompt
from ...tasks.ports.tools import ToolFailed

RANDOM_STYLE = "Random Style"
PROMPT_FIELDS = ("prompt", "negative_prompt", "inpaint_additional_prompt")
_SPACES = re.compile(r"^ +| +$|(?<= ) +")
_BLANK = ",. \r\n"
"""Characters that the host strips from a line before it decides that the line is empty."""
_SPACE = "[[ ]]"
"""An array with one entry, a space: the host removes repeated spaces before it replaces arrays, and not after."""
MAX_STYLES_LENGTH = 100_000
"""Characters of the logged styles that are parsed."""


@dataclass(frozen=True)
class LoggedPrompt:
    """The prompt of an image as the host logged it: with wildcards, arrays and random styles replaced."""

    prompt: str
    negative: str
    styles: tuple[str, ...]

    @classmethod
    def of(cls, image: Image) -> LoggedPrompt | None:
        """Return the prompt of an image, None if the host logged none."""
        styles = _styles(image.metadata.get("styles"))
        prompt, negative = image.metadata.get("prompt"), image.metadata.get("negative_prompt")
        if styles is None or not isinstance(prompt, str) or not isinstance(negative, str):
            return None
        return cls(prompt, negative, styles)

    def equals(self, resolved: ResolvedPrompt) -> bool:
        """Return whether the host would log the same of a prompt."""
        lines = "\n".join(resolved.prompt_lines), "\n".join(resolved.negative_lines)
        return (self.prompt, self.negative) == lines and self.styles == resolved.styles

    def written_into(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return a request with these texts in place of its own. Its LoRA tags stay: the log's prompt has none."""
        first = str(body.get("prompt") or "").partition("\n")[0]
        tags = ", ".join(match[0] for match in TAG.finditer(first))
        line, *others = self.prompt.split("\n")
        line = _SPACES.sub(lambda match: _SPACE * len(match[0]), line)
        prompt = "\n".join([", ".join(part for part in (tags, line) if part), *others])
        return {
            **body,
            "prompt": prompt,
            "negative_prompt": self.negative,
            "style_selections": list(self.styles),
            "inpaint_additional_prompt": "",
        }


def has_choices(body: dict[str, Any]) -> bool:
    """Return whether a request's prompts have wildcards or arrays, or its styles a random one."""
    texts = [str(body.get(name) or "") for name in PROMPT_FIELDS]
    for control in (one for one in body.get("enhance_ctrls") or () if isinstance(one, dict)):
        texts += [str(control.get(name) or "") for name in ("enhance_prompt", "enhance_negative_prompt")]
    return RANDOM_STYLE in (body.get("style_selections") or ()) or any(
        has_array(text) or number_of_wildcards(text) for text in texts
    )


def enhancements(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield for each enhancement of a request a request with its prompts. Those that are empty fall back to the request's."""
    for control in body.get("enhance_ctrls") or ():
        prompt, negative = str(control.get("enhance_prompt") or ""), str(control.get("enhance_negative_prompt") or "")
        own = {"prompt": prompt, "inpaint_additional_prompt": ""} if prompt.strip(_BLANK) else {}
        yield {**body, **own, **({"negative_prompt": negative} if negative.strip(_BLANK) else {})}


def resolved(prompts: Prompts, body: dict[str, Any], indexes: range) -> list[ResolvedPrompt]:
    """Return the prompts of a request's images, none if the host can't read them, or not in a short time.

    Raises:
        EngineUnavailable: no node of the cluster answers.
    """
    if any(has_many_parts(str(body.get(name) or "")) for name in PROMPT_FIELDS):
        return []
    try:
        return prompts.resolve(body, int(body["image_seed"]), indexes).result()
    except (ParameterError, ToolFailed):
        return []


def _styles(text: Any) -> tuple[str, ...] | None:
    """Return the styles that the host logs as a list in Python's notation, None for another text."""
    if not isinstance(text, str) or len(text) > MAX_STYLES_LENGTH:
        return None
    try:
        names = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    return tuple(map(str, names)) if isinstance(names, list | tuple) else None
