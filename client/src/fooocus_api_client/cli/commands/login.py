"""`fooocus login`."""

# The annotations are no texts here (`from __future__ import annotations`), as typer can't read these with Python 3.9.

import sys
from typing import Annotated, Optional

import typer

from ...sync.client import Client
from ...wire.connection import DEFAULT_URL, origin_of, without_user
from ...wire.errors import NotPermitted
from ..frame.options import Json
from ..frame.session import reported
from ..frame.settings import Settings, read_settings, write_settings
from ..frame.terminal import can_ask, note, print_json


def login(
    url: Annotated[Optional[str], typer.Argument(help="Address of Fooocus, as http://127.0.0.1:7865.")] = None,
    key: Annotated[
        Optional[str],
        typer.Option("--key", help="API key; `-` reads it from standard input. Without it you are asked."),
    ] = None,
    forget: Annotated[bool, typer.Option("--forget", help="Forget the address and the key.")] = False,
    as_json: Json = False,
) -> None:
    """Keep the address and the key in the user's configuration, which only the user can read."""
    with reported(as_json=as_json):
        if forget:
            note(f"{write_settings(Settings())} is empty now")
            return
        chosen = address(url)
        settings = Settings(chosen, secret(key, known_key(chosen)))
        with Client(chosen, settings.key, retries=0) as client:
            info = client.catalog.info()
            try:
                client.tasks.cards("current")
            except NotPermitted as error:
                if error.code != "insufficient_scope":  # the key is right, and may do other things
                    raise
            shown = client.url
        path = write_settings(settings)
        if as_json:
            print_json({"url": shown, "has_key": settings.key is not None, "file": str(path)})
        else:
            print(f"{info.name} {info.version} on Fooocus {info.fooocus_version} at {shown}; kept in {path}")


def address(given: Optional[str]) -> str:
    """Return the address, asked for if it is not given."""
    wanted = given
    if wanted is None:
        known = known_settings().url or DEFAULT_URL
        question = f"Address of Fooocus [{without_user(known)}]"
        wanted = typer.prompt(question, default=known, show_default=False, err=True) if can_ask() else known
    return (wanted if "://" in wanted else f"http://{wanted}").rstrip("/")


def secret(given: Optional[str], known: Optional[str]) -> Optional[str]:
    """Return the key, asked for without an echo if it is not given, or the known one of this server; None for an empty one."""
    if given == "-":
        return sys.stdin.readline().strip() or None
    if given is None and can_ask():
        question = "API key (empty keeps the known one)" if known else "API key (empty for none)"
        given = typer.prompt(question, default="", hide_input=True, show_default=False, err=True).strip() or None
    return known if given is None else given.strip() or None


def known_key(url: str) -> Optional[str]:
    """Return the key that is kept for this server."""
    known = known_settings()
    return known.key if known.url is not None and origin_of(known.url) == origin_of(url) else None


def known_settings() -> Settings:
    """Return the settings, empty ones if the file is damaged: this command repairs it."""
    try:
        return read_settings()
    except ValueError:
        return Settings()
