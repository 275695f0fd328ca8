"""The host's modules, which exist at run time only."""

from __future__ import annotations

import importlib
import sys
from typing import Any


def host_module(name: str) -> Any:
    """Return a module of the host, importing it if the host has not done so yet."""
    return importlib.import_module(name)


def loaded_module(name: str) -> Any:
    """Return a module whose import has at least begun, else None. Imports nothing."""
    return sys.modules.get(name)
