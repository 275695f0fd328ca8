"""Requests for a node's processing of prompts, and their answers, in the content of messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from ...tasks.ports.prompts import Prompts, ResolvedPrompt
from .threads import Turn

RESOLVE, EXPAND = "resolve_prompts", "expand_prompts"
"""The names by which a node is asked."""


def to_content(prompts: Sequence[ResolvedPrompt]) -> list[dict[str, Any]]:
    """Return prompts as JSON."""
    return [asdict(one) for one in prompts]


def from_content(content: Sequence[Mapping[str, Any]]) -> list[ResolvedPrompt]:
    """Return the prompts of `to_content`."""
    return [_prompt(one) for one in content]


def answer_about(
    prompts: Prompts, tool: str, options: Mapping[str, Any], turn: Turn, within_s: float
) -> dict[str, Any]:
    """Return this node's answer to another process. Blocking.

    Raises:
        ToolFailed, EngineUnavailable, ParameterError: as `Prompts` does.
        FutureTimeout, CancelledError: as `Turn.result` does.
    """
    if tool == RESOLVE:
        found = prompts.resolve(dict(options["parameters"]), int(options["seed"]), list(options["indexes"]))
        resolved = turn.result(found, within_s)
        return {"prompts": to_content(resolved)}
    return {"texts": turn.result(prompts.expand(from_content(options["prompts"])), within_s)}


def _prompt(content: Mapping[str, Any]) -> ResolvedPrompt:
    return ResolvedPrompt(**{one.name: _frozen(content[one.name]) for one in fields(ResolvedPrompt)})


def _frozen(value: Any) -> Any:
    """Return a JSON value with tuples in place of lists."""
    return tuple(map(_frozen, value)) if isinstance(value, (list, tuple)) else value
