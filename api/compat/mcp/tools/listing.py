"""`list_styles`, `list_models` and `list_presets`: the names that other tools take."""

from __future__ import annotations

import asyncio
from typing import Any

from ..protocol.calls import Call
from .results import text_result
from .tool import Schema, Tool, text

MAX_SEARCH_LENGTH = 200
DEFAULT_MARK = " (default)"
"""Follows the name of the default model."""


def _search(*_: Any) -> dict[str, Schema]:
    return {"search": text("Only styles whose name contains this text, such as `anime`. Default: all styles.")}


async def _styles(call: Call) -> dict[str, Any]:
    names = await asyncio.to_thread(call.context.host.catalog.names, "styles")
    wanted = call.arguments.get("search", "").strip().casefold()[:MAX_SEARCH_LENGTH]
    found = [name for name in names if wanted in name.casefold()]
    if not found:
        return text_result(
            f"No style contains this text; there are {len(names)} styles, leave out search to list them."
        )
    return text_result("\n".join(found))


async def _models(call: Call) -> dict[str, Any]:
    usual = call.model.model_fields["base_model_name"].default
    names = await asyncio.to_thread(_model_names, call)
    lines = [f"{name}{DEFAULT_MARK}" if name == usual else name for name in names]
    return text_result("\n".join(lines) or "Fooocus has no checkpoints.")


def _model_names(call: Call) -> list[str]:
    call.context.host.catalog.refresh()
    return call.context.host.catalog.names("model_files")


async def _presets(call: Call) -> dict[str, Any]:
    return text_result("\n".join(await asyncio.to_thread(call.context.host.catalog.names, "presets")))


LIST_STYLES = Tool(
    "list_styles",
    "List styles",
    "Lists the names of the styles for generate_image, one a line. Fooocus has hundreds; search narrows them.",
    _styles,
    properties=_search,
)
LIST_MODELS = Tool(
    "list_models",
    "List models",
    "Lists the checkpoints for the argument model of generate_image, one a line.",
    _models,
)
LIST_PRESETS = Tool(
    "list_presets",
    "List presets",
    "Lists the presets for generate_image, one a line; `initial` stands for none.",
    _presets,
)
