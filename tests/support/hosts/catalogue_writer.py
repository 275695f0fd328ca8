"""Runs in a demo host's process: writes the host's catalogue, and what the API says of the host, to a file, and ends.

python catalogue_writer.py ROOT FILE [launch flags]
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

ROOT, FILE = Path(sys.argv[1]), Path(sys.argv[2])


def main() -> None:
    """Start the demo, and write the file once the API could be built."""
    sys.path.insert(0, str(ROOT))
    importlib.import_module("load_package").load_package()
    sys.path.remove(str(ROOT))
    checkout = ROOT / "demo"
    sys.path.insert(0, str(checkout))
    sys.argv = [str(checkout / "launch.py"), *sys.argv[3:]]
    os.chdir(checkout)
    importlib.import_module("fooocus_api.extension").install(checkout, build)
    importlib.import_module("launch")


def build(instrumentation: Any) -> Any:
    from fooocus_api.adapters.models.catalog import CATALOGS
    from fooocus_api.api.app import create_api
    from fooocus_api.api.openapi import build_schema
    from fooocus_api.gateway.catalogue.writing import catalogue_of
    from fooocus_api.runtime import build_runtime

    runtime = build_runtime(instrumentation)
    assert runtime.context is not None
    host = runtime.context.host
    written = {
        "catalogue": catalogue_of(host, CATALOGS),
        "names": {kind: host.catalog.names(kind) for kind in CATALOGS},
        "schema": build_schema(create_api(runtime.context), runtime.context),
        "styles": host.catalog.style_texts(),
        "preset": host.presets.values("lightning"),
    }
    FILE.write_text(json.dumps(written), "utf-8")
    assert runtime.services is not None
    runtime.services.close(5)
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
