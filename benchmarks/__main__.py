"""`python benchmarks [NAME…]`: the program that `install.py --bench` runs in its environment."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


if __name__ == "__main__":
    sys.path[:] = [str(ROOT), *(entry for entry in sys.path if Path(entry or ".").resolve() != ROOT / "benchmarks")]
    from load_package import load_package

    sys.path.remove(str(ROOT))
    load_package()
    sys.exit(importlib.import_module("fooocus_api.benchmarks.frame").main(sys.argv[1:]))
