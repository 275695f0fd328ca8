"""The memory and disk in use now, for the statistics."""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Iterable
from pathlib import Path

from ..files.free_space import free_bytes
from ..tasks.statistics.statistics import MachineLoad
from .host_modules import loaded_module


def machine_load(folders: Iterable[Path]) -> MachineLoad:
    """Return the load of the machine. `folders` are those of the outputs."""
    used, total = gpu_memory() or (None, None)
    return MachineLoad(used, total, process_memory(), free_bytes(folders))


def gpu_memory() -> tuple[int, int] | None:
    """Return the bytes of GPU memory in use by all processes, and all there are; None without a GPU. Loads nothing."""
    torch = loaded_module("torch")
    if torch is None or not hasattr(torch, "cuda") or not torch.cuda.is_available():
        return None
    free, total = torch.cuda.mem_get_info()
    return int(total - free), int(total)


def card_name() -> str:
    """Return the name of the graphics card that Fooocus uses, empty without one. Loads nothing."""
    torch = loaded_module("torch")
    with contextlib.suppress(Exception):  # a name is not worth a start that fails
        if torch is not None and torch.cuda.is_available():
            return str(torch.cuda.get_device_name(torch.cuda.current_device()))
    return ""


def gpu_memory_used() -> float:
    """Return the bytes of GPU memory in use by all processes, 0 without a GPU."""
    return float((gpu_memory() or (0, 0))[0])


def process_memory() -> int | None:
    """Return the resident bytes of this process, None if they can't be read."""
    with contextlib.suppress(OSError, ValueError, AttributeError):  # Linux alone has this file
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
        return pages * int(os.sysconf("SC_PAGE_SIZE"))
    with contextlib.suppress(Exception):
        return int(importlib.import_module("psutil").Process().memory_info().rss)
    return None
