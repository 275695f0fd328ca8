"""Runs in the bare host's process: Fooocus alone, whose queue takes tasks from a pipe, as the WebUI's button would add them."""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
from pathlib import Path

from ...adapters.task_args.mapping import read_arguments

PIPE = "FOOOCUS_BENCH_PIPE"
"""Environment variable: a named pipe; each line is a task's parameters in JSON, by their names in the API."""


def main() -> None:
    """Start Fooocus from the current folder, as extension.py does, without the extension."""
    sys.path.insert(0, os.getcwd())
    threading.Thread(target=_take, args=(Path(os.environ[PIPE]),), daemon=True).start()
    importlib.import_module("launch")


def _take(pipe: Path) -> None:
    with pipe.open(encoding="utf-8") as lines:  # blocks until a writer opens it
        worker = importlib.import_module("modules.async_worker")
        arguments = read_arguments(Path.cwd())
        for line in lines:
            worker.async_tasks.append(worker.AsyncTask(args=arguments.to_positional(json.loads(line), lambda _: None)))
