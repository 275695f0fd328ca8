"""The question at Ctrl-C: stop the work on the server, leave it running, or continue to watch it."""

from __future__ import annotations

from enum import Enum
from typing import Callable

import typer
from rich.prompt import Prompt

from ..frame.exit_codes import ExitCode
from ..frame.terminal import can_ask, note, people


class Answer(str, Enum):
    """An answer to the question."""

    STOP = "stop"
    LEAVE = "leave"
    CONTINUE = "continue"


LETTERS = {"s": Answer.STOP, "l": Answer.LEAVE, "c": Answer.CONTINUE}


def interrupted(noun: str, stop: Callable[[], object], hint: str) -> None:
    """Ask, and return if the user continues to watch.

    Args:
        noun: the work, as `task`.
        hint: the command that shows it later.

    Raises:
        typer.Exit: the user leaves, with 130.
    """
    answer = asked(noun) if can_ask() else Answer.LEAVE
    if answer is Answer.CONTINUE:
        return
    if answer is Answer.STOP:
        stop()
        note(f"the {noun} is stopped")
    else:
        note(f"the {noun} is left running; `{hint}` shows it")
    raise typer.Exit(ExitCode.INTERRUPTED)


def asked(noun: str) -> Answer:
    """Return the user's answer; a second Ctrl-C, or the end of the input, leaves the work running."""
    try:
        given = Prompt.ask(
            f"[bold]Stop the {noun}?[/bold] (s)top, (l)eave it running, (c)ontinue to watch",
            choices=list(LETTERS),
            default="s",
            show_choices=False,
            console=people(),
        )
    except (KeyboardInterrupt, EOFError):
        return Answer.LEAVE
    return LETTERS[given]
