"""Runs in the bare host's process: Fooocus alone, whose queue takes tasks from a pipe, as the WebUI's button would add them."""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from ...adapters.task_args.mapping import read_arguments

PIPE = "FOOOCUS_BENCH_PIPE"
"""Environment variable: a named pipe; each line is a task's parameters in JSON, by their names in the API."""
ENDS = "FOOOCUS_BENCH_ENDS"
"""Environment variable: a file, optional, that gets a line when a task has ended."""


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
            task = worker.AsyncTask(args=arguments.to_positional(json.loads(line), lambda _: None))
            worker.async_tasks.append(task)
            if ends := os.environ.get(ENDS):
                _note_end(task, Path(ends))


def _note_end(task: Any, file: Path) -> None:
    """Read the task's yields as the WebUI does, and write a line at its end."""
    while not any(item[0] == "finish" for item in list(task.yields)):
        time.sleep(0.01)
    with file.open("a", encoding="ascii") as ends:
        ends.write("end\n")
