"""The end of every command that generates: images into files or a pipe, records as JSON."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from typing import Any, Optional

import typer

from ...calls.generation import new_key
from ...schema.tasks import Task
from ...sync.client import Client
from ..frame.terminal import note, print_bytes, print_json
from ..live.follow import followed
from ..pictures.choice import way_of

PIPE = "-"


class Results:
    """The place of the results of one command.

    Args:
        output: a file, a folder, `-` for standard output, or None: the current folder in a terminal, otherwise standard output.
    """

    def __init__(self, output: Optional[str], *, as_json: bool) -> None:
        self._as_json = as_json
        goes_to_pipe = output is None and not as_json and not sys.stdout.isatty()
        self._output = PIPE if goes_to_pipe else output
        if self._output == PIPE and as_json:
            raise typer.BadParameter("standard output can't have both the image and JSON", param_hint="--output")

    def check(self, images: Any) -> None:
        """Refuse more than one image for standard output, before anything is generated.

        Raises:
            typer.BadParameter: name a file.
        """
        if self._output == PIPE and isinstance(images, int) and images > 1:
            raise typer.BadParameter(f"{images} images need a file or a folder: -o FILE", param_hint="--output")

    def put(self, client: Client, task: Task) -> None:
        """Save, print or pass on the results of a task."""
        for field in task.ignored_fields or ():
            note(f"note: {field.path} was ignored" + (f"; use {field.use}" if field.use else ""))
        if self._output == PIPE:
            for image in task.images[-1:]:
                print_bytes(client.download(image))
            return
        if self._as_json:
            if self._output is not None:
                client.save(task, self._output)
            print_json(task.received)
            return
        for path in client.save(task, self._output if self._output is not None else Path.cwd()):
            print(path)


def run(
    client: Client, fields: dict[str, Any], results: Results, *, no_wait: bool, preview: str, as_json: bool
) -> None:
    """Generate with these fields, `prompt` included, and put the results into their place."""
    way_of(preview, os.environ)  # a wrong name is reported before anything is generated
    if no_wait:
        task = client.submit(**fields)
        print_json(task.received) if as_json else print(task.task_id)
        return
    results.check(fields.get("image_number", 1))
    key = new_key()
    task = client.submit(idempotency_key=key, **fields)
    await_answer = partial(client.generate, idempotency_key=key, **fields)
    results.put(client, followed(client, task.task_id, preview, await_answer))
