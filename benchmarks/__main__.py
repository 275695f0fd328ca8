"""`python benchmarks [NAME…]`: the program that `install.py --bench` runs in its environment."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def load_package() -> None:
    """Import this folder's parent as the package `fooocus_api`, regardless of its name."""
    spec = importlib.util.spec_from_file_location(
        "fooocus_api", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    assert spec is not None and spec.loader is not None
    sys.modules["fooocus_api"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["fooocus_api"])


if __name__ == "__main__":
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != ROOT / "benchmarks"]
    load_package()
    sys.exit(importlib.import_module("fooocus_api.benchmarks.frame").main(sys.argv[1:]))
