"""Threads for what may take long, so that records, previews and files, which have those of the framework, never wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")

INCOMING = ThreadPoolExecutor(64, thread_name_prefix="fooocus-api-incoming")
"""For pictures that clients send, and for what waits for the servers that they name."""
CONVERTING = ThreadPoolExecutor(2, thread_name_prefix="fooocus-api-converting")
"""For images in other formats: the largest take a gigabyte and many seconds each."""


async def run_in(pool: ThreadPoolExecutor, function: Callable[..., T], *arguments: Any) -> T:
    """What the function gives, called on a thread of the pool."""
    return await asyncio.get_running_loop().run_in_executor(pool, partial(function, *arguments))
