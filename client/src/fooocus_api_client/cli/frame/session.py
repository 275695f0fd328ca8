"""A client for one command, and the report of its errors."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Optional

import typer

from ...sync.client import Client
from ...wire.connection import DEFAULT_URL, TIMEOUT_S, origin_of
from ...wire.errors import ApiError, FooocusError, InvalidFields
from ...wire.retries import DEFAULT_RETRIES
from .exit_codes import ExitCode, exit_code_of
from .settings import read_settings
from .terminal import note


@contextmanager
def connected(url: Optional[str], key: Optional[str], *, as_json: bool = False) -> Iterator[Client]:
    """Yield a client of the server that the options, the environment or the settings name, and report errors.

    Raises:
        typer.Exit: the command failed; the error is reported.
    """
    with reported(as_json=as_json):
        with client_of(url, key, retries=0) as client, suppress(ApiError):
            client.catalog.info()  # a wrong address is reported at once; later, a server that restarts is waited for
        with client_of(url, key) as client:
            yield client


def client_of(
    url: Optional[str], key: Optional[str], *, retries: int = DEFAULT_RETRIES, timeout: float = TIMEOUT_S
) -> Client:
    """Return a client. The key of the settings goes to the server of the settings only."""
    settings = read_settings()
    wanted = url or os.environ.get("FOOOCUS_URL") or settings.url or DEFAULT_URL
    if "://" not in wanted:
        wanted = f"http://{wanted}"
    is_same = settings.url is None or origin_of(wanted) == origin_of(settings.url)
    key = key or os.environ.get("FOOOCUS_API_KEY")
    return Client(wanted, key or (settings.key if is_same else None), retries=retries, timeout=timeout)


@contextmanager
def reported(*, as_json: bool = False) -> Iterator[None]:
    """Report an error on standard error, and exit with its code.

    Raises:
        typer.Exit: there was an error.
    """
    try:
        yield
    except (KeyboardInterrupt, typer.Abort):
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    except BrokenPipeError:
        raise
    except (FooocusError, OSError, ValueError) as error:
        report(error, as_json=as_json)
        raise typer.Exit(exit_code_of(error)) from None
    except ImportError as error:  # of httpx, for a SOCKS proxy in the environment
        report(error, as_json=as_json)
        raise typer.Exit(ExitCode.FAILED) from None


def report(error: Exception, *, as_json: bool) -> None:
    """Print an error: with `--json` the problem document, otherwise sentences that name the fields."""
    if as_json:
        members = error.members if isinstance(error, ApiError) else {"detail": str(error), "code": None}
        print(json.dumps(members, ensure_ascii=False), file=sys.stderr)
        return
    if isinstance(error, InvalidFields) and error.errors:
        for problem in error.errors:
            place = f"row {problem.row}, {problem.field}" if problem.row is not None else problem.field
            hint = f" (allowed: {', '.join(map(str, problem.allowed))})" if problem.allowed else ""
            note(f"error: {place}: {problem.message}{hint}")
        return
    note(f"error: {error.detail if isinstance(error, ApiError) and error.detail else error}")
    if isinstance(error, ApiError) and error.status == 401:
        note("run `fooocus login` to keep a key, or use --key")
