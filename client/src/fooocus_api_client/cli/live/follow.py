"""Follows a task to its end: with a bar in a terminal, silently in a pipe."""

from __future__ import annotations

import os

import typer

from ...schema.tasks import Task
from ...sync.client import Client
from ...wire.errors import WrongState
from ...wire.problems import succeeded
from ..frame.exit_codes import ExitCode
from ..frame.terminal import is_interactive, note
from ..pictures.choice import way_of
from .bar import TaskBar
from .interrupt import interrupted


def followed(client: Client, task_id: str, preview: str) -> Task:
    """Return a task's record once it has ended.

    Raises:
        TaskFailed: Fooocus failed on it.
        typer.Exit: it was stopped, or the user has left.
    """
    way = way_of(preview, os.environ)
    while True:
        try:
            if is_interactive():
                _shown(client, task_id, way)
            task = client.tasks.wait(task_id)
            break
        except KeyboardInterrupt:
            interrupted("task", lambda: stopped(client, task_id), f"fooocus watch {task_id}")
    succeeded(task)
    if task.task_status == "stopped":
        note(f"task {task_id} was stopped")
        raise typer.Exit(ExitCode.STOPPED)
    return task


def stopped(client: Client, task_id: str) -> Task:
    """Stop a task and return its record; one that has ended by now stays as it is."""
    try:
        return client.tasks.stop(task_id)
    except WrongState:
        note(f"task {task_id} has ended by itself")
        return client.tasks.get(task_id)


def _shown(client: Client, task_id: str, way: str) -> None:
    with TaskBar(way) as bar:
        for update in client.tasks.watch(task_id, previews=bar.previews):
            bar.show(update)
