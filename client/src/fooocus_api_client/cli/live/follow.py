"""Follows a task to its end: with a bar in a terminal, silently in a pipe."""

from __future__ import annotations

import os
from typing import Callable, Optional

import typer

from ...schema.tasks import Task
from ...sync.client import Client
from ...wire.errors import NotPermitted, WrongState
from ...wire.problems import succeeded
from ..frame.exit_codes import ExitCode
from ..frame.terminal import is_interactive, note
from ..pictures.choice import way_of
from .bar import TaskBar
from .interrupt import interrupted


def followed(client: Client, task_id: str, preview: str, await_answer: Optional[Callable[[], Task]] = None) -> Task:
    """Return a task's record once it has ended.

    Args:
        await_answer: waits for the record without the scope `read`, if the key lacks it.

    Raises:
        TaskFailed: Fooocus failed on it.
        typer.Exit: it was stopped, or the user has left.
    """
    way = way_of(preview, os.environ)
    while True:
        try:
            task = _ended(client, task_id, way, await_answer)
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


def _ended(client: Client, task_id: str, way: str, await_answer: Optional[Callable[[], Task]]) -> Task:
    try:
        if is_interactive():
            _shown(client, task_id, way)
        return client.tasks.wait(task_id)
    except NotPermitted:
        if await_answer is None:
            raise
    note("note: the key lacks the scope read; the progress is not shown")
    return await_answer()


def _shown(client: Client, task_id: str, way: str) -> None:
    with TaskBar(way) as bar:
        for update in client.tasks.watch(task_id, previews=bar.previews):
            bar.show(update)
