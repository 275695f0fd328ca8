"""Exit codes of the command line."""

from __future__ import annotations

from enum import IntEnum

from ...wire.errors import (
    ApiError,
    ConnectionFailed,
    InvalidFields,
    LimitReached,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    Unavailable,
    UnexpectedAnswer,
)


class ExitCode(IntEnum):
    """The outcome of a command, for scripts."""

    OK = 0
    FAILED = 1
    WRONG_USAGE = 2
    UNREACHABLE = 3
    NOT_PERMITTED = 4
    NOT_FOUND = 5
    BUSY = 6
    STOPPED = 7
    INTERRUPTED = 130


OF_ERRORS: list[tuple[tuple[type[Exception], ...], ExitCode]] = [
    ((InvalidFields, ValueError), ExitCode.WRONG_USAGE),
    ((ConnectionFailed, UnexpectedAnswer), ExitCode.UNREACHABLE),
    ((NotAuthenticated, NotPermitted), ExitCode.NOT_PERMITTED),
    ((NotFound,), ExitCode.NOT_FOUND),
    ((LimitReached, Unavailable), ExitCode.BUSY),
    ((ApiError, OSError), ExitCode.FAILED),
]
"""Classes of errors → the exit code. The first that fits counts."""


def exit_code_of(error: Exception) -> ExitCode:
    """Return the exit code for an error."""
    return next((code for kinds, code in OF_ERRORS if isinstance(error, kinds)), ExitCode.FAILED)
