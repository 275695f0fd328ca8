"""Thread pools for slow work, so that it never delays records, previews and files, which use the framework's threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")

INPUT_EXECUTOR = ThreadPoolExecutor(64, thread_name_prefix="fooocus-api-incoming")
"""Decodes pictures that clients send, and waits for servers that they name."""
CONVERSION_EXECUTOR = ThreadPoolExecutor(2, thread_name_prefix="fooocus-api-converting")
"""Converts images to other formats: the largest take a gigabyte and many seconds each."""

BATCH_EXECUTOR = ThreadPoolExecutor(2, thread_name_prefix="fooocus-api-batch")
"""Checks the rows of batches, which takes seconds each."""


async def run_in(pool: ThreadPoolExecutor, function: Callable[..., T], *arguments: Any) -> T:
    """Return the function's result, computed on a thread of the pool."""
    return await asyncio.get_running_loop().run_in_executor(pool, partial(function, *arguments))
