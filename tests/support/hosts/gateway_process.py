"""Runs a gateway on a catalogue in a file, with a history of its own in place of a cluster's.

python gateway_process.py ROOT CATALOGUE FOLDER [flags]
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

ROOT, CATALOGUE, FOLDER = (Path(argument) for argument in sys.argv[1:4])
NEVER = ("torch", "gradio", "launch", "modules", "args_manager")


def main() -> None:
    """Serve until SIGTERM, and print what should not be imported."""
    sys.path.insert(0, str(ROOT))
    importlib.import_module("load_package").load_package()
    sys.path.remove(str(ROOT))
    from fooocus_api.db.repository import Repository
    from fooocus_api.gateway.build import SharedFolder, build_gateway
    from fooocus_api.gateway.flags import read_flags
    from fooocus_api.gateway.host.nodes import KnownNode, Nodes
    from fooocus_api.gateway.serving import serve

    node = KnownNode("one", True, True, json.loads(CATALOGUE.read_text("utf-8"))["catalogue"])
    settings = read_flags(["--api-db", "postgresql://elsewhere/name", *sys.argv[4:]])
    repository = Repository(FOLDER / "tasks.sqlite3")
    try:
        serve(build_gateway(settings, SharedFolder(FOLDER), repository, Nodes(lambda: [node])), settings)
    finally:
        print("imported:", [name for name in NEVER if name in sys.modules], flush=True)


if __name__ == "__main__":
    main()
