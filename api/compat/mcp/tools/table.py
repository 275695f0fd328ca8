"""All tools, in the order in which they are listed."""

from __future__ import annotations

from ....security.authorization import Access
from .describing import DESCRIBE_IMAGE
from .generating import EDIT_IMAGE, GENERATE_IMAGE
from .listing import LIST_MODELS, LIST_PRESETS, LIST_STYLES
from .tasks import GET_TASK, STOP_TASK
from .tool import Tool

TOOLS = {
    tool.name: tool
    for tool in (
        GENERATE_IMAGE,
        EDIT_IMAGE,
        DESCRIBE_IMAGE,
        LIST_STYLES,
        LIST_MODELS,
        LIST_PRESETS,
        GET_TASK,
        STOP_TASK,
    )
}


def tools_for(access: Access) -> list[Tool]:
    """Return the tools that a client may use."""
    return [tool for tool in TOOLS.values() if tool.scope is None or access.may(tool.scope)]
