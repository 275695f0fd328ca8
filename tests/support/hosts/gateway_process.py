"""Runs a gateway as `extension.py gateway` does, and prints at its end which of a Fooocus's modules it has imported.

python gateway_process.py ROOT [flags]
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

ROOT = Path(sys.argv[1])
NEVER = ("torch", "gradio", "launch", "modules", "args_manager", "ldm_patched", "extras")


def main() -> None:
    """Serve until a signal, and print what should not be imported."""
    sys.path.insert(0, str(ROOT))
    importlib.import_module("load_package").load_package()
    sys.path.remove(str(ROOT))
    try:
        importlib.import_module("fooocus_api.extension").main(["gateway", *sys.argv[2:]])
    finally:
        print("imported:", [name for name in NEVER if name in sys.modules], flush=True)


if __name__ == "__main__":
    main()
