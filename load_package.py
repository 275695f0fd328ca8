"""Import of this folder as the package `fooocus_api`, under any folder name. Standard library only.

A script puts this folder on `sys.path` for the import of this module only: later, names such as `api` and `db` would hide others.
"""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

HOME = Path(__file__).resolve().parent
NAME = "fooocus_api"


def load_package() -> None:
    """Make the package importable. A second call changes nothing."""
    if NAME in sys.modules:
        return
    spec = spec_from_file_location(NAME, HOME / "__init__.py", submodule_search_locations=[str(HOME)])
    assert spec is not None and spec.loader is not None  # nosec B101  # for mypy, which can't know
    sys.modules[NAME] = module_from_spec(spec)
    spec.loader.exec_module(sys.modules[NAME])
