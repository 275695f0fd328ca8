"""`extension.py keys add|list|revoke`: manages API keys. A running Fooocus applies changes at its next request."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from ..auth.keys import (
    FILE_NAME,
    NAME_RULE,
    USUAL_SCOPES,
    BrokenKeys,
    Key,
    KeyQuota,
    Scope,
    check_name,
    digest_of,
    load,
    new_key,
    save,
)
from .errors import CommandError
from .history_location import HistoryLocation

HELP = "Create, list and revoke API keys. A running Fooocus applies the change at its next request."
LOCK_TIMEOUT_S = 10
"""Seconds to wait for another `keys` command to finish."""


def add_arguments(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    """Add the three subcommands."""
    commands = parser.add_subparsers(dest="command", required=True)
    about = "Create a key and print it. It is shown only once, as only its hash is stored."
    add = commands.add_parser("add", help=about, description=about, allow_abbrev=False)
    add.add_argument("name", type=_name, metavar="NAME", help=f"Name of the key, and source of its tasks: {NAME_RULE}.")
    add.add_argument(
        "--scopes",
        type=_scopes,
        default=USUAL_SCOPES,
        metavar="SCOPES",
        help=f"Scopes of the key, separated by commas: {_shown(frozenset(Scope))}. Default: {_shown(USUAL_SCOPES)}.",
    )
    for flag, meaning in (
        ("--requests-per-minute", "Requests that the key may send per minute."),
        ("--pending-tasks", "Tasks of the key that may wait."),
        ("--images-per-day", "Images that the key may request per day, from 00:00 UTC."),
    ):
        add.add_argument(flag, type=_number, metavar="N", help=f"{meaning} Default: no limit.")
    about = "Show the keys: names, scopes and limits."
    listing = commands.add_parser("list", help=about, description=about, allow_abbrev=False)
    about = "Revoke a key. Its tasks stay, and belong to a new key of the same name."
    revoke = commands.add_parser("revoke", help=about, description=about, allow_abbrev=False)
    revoke.add_argument("name", metavar="NAME")
    return [add, listing, revoke]


def run(arguments: argparse.Namespace, location: HistoryLocation) -> int:
    """Run the subcommand. Only the key goes to standard output, so that a script can read it.

    Raises:
        CommandError: the file can't be read or written, or the key is unknown or exists already.
    """
    file = location.state / FILE_NAME
    if arguments.command == "list":
        _list(_load(file), file)
    elif arguments.command == "add":
        _add(arguments, file)
    else:
        _revoke(arguments.name, file)
    return 0


def _add(arguments: argparse.Namespace, file: Path) -> None:
    limits = KeyQuota(arguments.requests_per_minute, arguments.pending_tasks, arguments.images_per_day)
    text = new_key()
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    key = Key(arguments.name, digest_of(text.encode()), arguments.scopes, limits, now)
    with _locked(file):
        keys = _load(file)
        if any(other.name == key.name for other in keys):
            raise CommandError(f"the key {key.name} already exists; choose another name, or revoke it first")
        save(file, [*keys, key])
    print(
        f"Key {key.name} created with the scopes {_shown(key.scopes)}. It is shown only once:",
        file=sys.stderr,
        flush=True,
    )
    print(text, flush=True)
    if not keys:
        print("From now on the API requires a key. The WebUI does not.", file=sys.stderr)


def _revoke(name: str, file: Path) -> None:
    with _locked(file):
        keys = _load(file)
        left = [key for key in keys if key.name != name]
        if len(left) == len(keys):
            raise CommandError(f"the key {name} does not exist; list the keys with `extension.py keys list`")
        save(file, left)
    print(f"Key {name} revoked.")
    if not left:
        print(f"No key is left, but the API still requires one; to change that, delete {file} and restart Fooocus.")


def _list(keys: list[Key], file: Path) -> None:
    if not keys:
        print(f"{file} contains no keys.")
        return
    rows = [("NAME", "CREATED", "SCOPES", "LIMITS")]
    for key in keys:
        limits = [
            f"{name.replace('_', '-')} {value}" for name, value in asdict(key.limits).items() if value is not None
        ]
        rows.append((key.name, key.created, _shown(key.scopes), ", ".join(limits) or "none"))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        print("  ".join([*(text.ljust(width) for text, width in zip(row, widths, strict=False)), row[3]]))


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Lock the file against other `keys` commands.

    Raises:
        CommandError: another command does not release it in time, or the file can't be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{file}.lock", timeout=LOCK_TIMEOUT_S):
            yield
    except Timeout as error:
        raise CommandError("another `keys` command is running; try again") from error
    except OSError as error:
        raise CommandError(f"{file} can't be written: {error.strerror or error}") from error


def _load(file: Path) -> list[Key]:
    try:
        return load(file)
    except FileNotFoundError:
        return []
    except BrokenKeys as error:
        raise CommandError(str(error)) from error


def _name(text: str) -> str:
    try:
        return check_name(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _scopes(text: str) -> frozenset[Scope]:
    try:
        return frozenset(Scope(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        allowed = ", ".join(scope.value for scope in Scope)
        raise argparse.ArgumentTypeError(f"{error}; use {allowed}") from error


def _number(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 10**9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return int(text)


def _shown(scopes: frozenset[Scope]) -> str:
    return ", ".join(scope.value for scope in Scope if scope in scopes) or "nothing"
