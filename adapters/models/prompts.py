"""The host's functions for prompts as the domain's Prompts: what its worker makes of a request's prompts, without generating.

Checked on Fooocus 2.5.0 to 2.5.5 and mashb1t/Fooocus 2.6.5.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy

from ...tasks.ports.engine import ParameterError
from ...tasks.ports.prompts import ResolvedPrompt
from ..host_modules import host_module, loaded_module
from ..task_args.prompt_fields import STYLES, prompt_fields
from ..worker.worker import Worker

PERFORMANCE_LORA_WEIGHTS = {"Hyper-SD": 0.8}
"""Weight of the LoRA that a performance adds, where it is not 1."""
AT_ONCE = 4
"""Requests whose prompts are resolved at the same time."""


class FooocusPrompts:
    """Implements `tasks.ports.prompts.Prompts` on a running host."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="fooocus-api-prompts")

    def resolve(self, parameters: dict[str, Any], seed: int, indexes: Sequence[int]) -> Future[list[ResolvedPrompt]]:
        return self._threads.submit(_resolved, parameters, seed, indexes)

    def expand(self, prompts: Sequence[ResolvedPrompt]) -> Future[list[str]]:
        return self._worker.run_between_tasks(lambda: _expansions(prompts))


def lora_files(parameters: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return the files of a request's LoRAs, those of its list and its prompt's tags, and the one that its performance adds."""
    lines = _Lines(parameters)
    return [name for name, _ in lines.loras], [name for name, _ in lines.added]


def _resolved(parameters: dict[str, Any], seed: int, indexes: Sequence[int]) -> list[ResolvedPrompt]:
    lines = _Lines(parameters)
    return [lines.resolved(seed, index) for index in indexes]


class _Lines:
    """The lines of a request's prompts, and its LoRAs."""

    def __init__(self, parameters: dict[str, Any]) -> None:
        config, util, styles = host_module("modules.config"), host_module("modules.util"), _styles()
        self._fields = fields = prompt_fields(parameters, config.lora_filenames)
        first, *self._others = _lines(fields.prompt)
        self._negatives = _lines(fields.negative_prompt)
        self._is_expanded = styles.fooocus_expansion in fields.styles and first != ""
        self._shown = [styles.fooocus_expansion] if self._is_expanded else []
        self._styles = [name for name in fields.styles if name != styles.fooocus_expansion]
        performance = _performance(fields.performance)
        files = util.remove_performance_lora(config.lora_filenames, performance)
        loras, self._first = util.parse_lora_references_from_prompt(
            first, list(fields.loras), config.default_max_lora_number, lora_filenames=files
        )
        own = performance.lora_filename() if performance is not None else None
        self.loras: list[tuple[str, float]] = loras
        self.added = [(str(own), PERFORMANCE_LORA_WEIGHTS.get(performance.value, 1.0))] if own else []

    def resolved(self, seed: int, index: int) -> ResolvedPrompt:
        """Return the prompt of an image. The order of the random choices is the host's."""
        seed = (seed + (index if self._fields.increments_seed else 0)) % (host_module("modules.constants").MAX_SEED + 1)
        rng = random.Random(seed)  # nosec B311  # the host's own choices
        styles, replaced = _styles(), host_module("modules.util").apply_wildcards
        in_order = self._fields.in_order
        first = styles.apply_arrays(replaced(self._first, rng, index, in_order), index)
        negatives = [replaced(self._negatives[0], rng, index, in_order)]
        others = [replaced(line, rng, index, in_order) for line in self._others]
        negatives += [replaced(line, rng, index, in_order) for line in self._negatives[1:]]
        names: list[str] = []
        positive: list[str] = []
        negative: list[str] = []
        has_prompt = False
        for name in self._styles:
            chosen = styles.get_random_style(rng) if name == styles.random_style_name else name
            try:
                more, against, has_placeholder = styles.apply_style(chosen, positive=first)
            except KeyError as error:
                raise ParameterError(f"unknown style {chosen!r}", field=STYLES) from error
            names.append(chosen)
            positive, negative = [*positive, *more], [*negative, *against]
            has_prompt = has_prompt or has_placeholder
        texts = [text for text in [*([] if has_prompt else [first]), *positive, *others] if text]
        against = [text for text in [*negative, *negatives] if text]
        return ResolvedPrompt(
            seed,
            (first, *others),
            tuple(negatives),
            (*self._shown, *names),
            tuple(texts) or (first,),
            tuple(against) or (negatives[0],),
            (*self.loras, *self.added),
            self._is_expanded,
        )


def _styles() -> Any:
    return host_module("modules.sdxl_styles")


def _lines(text: str) -> list[str]:
    clean = host_module("extras.expansion").safe_str
    return [line for line in map(clean, text.splitlines()) if line] or [""]


def _performance(name: str) -> Any:
    try:
        return host_module("modules.flags").Performance(name)
    except ValueError:
        return None


def _expansions(prompts: Sequence[ResolvedPrompt]) -> list[str]:
    """Return the expansions. Worker thread only. The random generators, which it seeds, get their states back."""
    pipeline = host_module("modules.default_pipeline")
    if pipeline.final_expansion is None:  # the models were unloaded, or are loaded with the first task
        pipeline.final_expansion = host_module("extras.expansion").FooocusExpansion()
    with _generators_kept():
        return [
            str(pipeline.final_expansion(prompt.prompt_lines[0], prompt.seed)) if prompt.is_expanded else ""
            for prompt in prompts
        ]


@contextlib.contextmanager
def _generators_kept() -> Iterator[None]:
    torch = getattr(loaded_module("modules.core"), "torch", None)
    kept = random.getstate(), numpy.random.get_state(), torch.get_rng_state() if torch is not None else None
    try:
        yield
    finally:
        random.setstate(kept[0])
        numpy.random.set_state(kept[1])
        if torch is not None:
            torch.set_rng_state(kept[2])
