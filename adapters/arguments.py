"""Our launch flags, on Fooocus's own parser, and what they came out as."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from ..tasks.keys import Key, named_key


@dataclass(frozen=True)
class Settings:
    """How this process was started: our flags, and the host's that matter to us."""

    nowebui: bool
    apikeys: tuple[Key, ...]
    api_port: int | None
    base_url: str | None
    api_db: str | None
    keep_days: float | None
    keep_count: int | None
    schedule: str
    max_overtakes: int
    max_overtake_seconds: float
    max_pending: int | None
    listen: str
    port: int | None
    disable_image_log: bool
    share: bool = False


def add_flags(args_parser: ModuleType) -> None:
    """Add our flags to `ldm_patched.modules.args_parser.parser`. The host parses later, in `args_manager`."""
    group = args_parser.parser.add_argument_group("Fooocus API")
    group.add_argument("--nowebui", action="store_true", help="Serve the API without the WebUI.")
    group.add_argument(
        "--apikey",
        action="append",
        type=_apikey,
        default=[],
        metavar="KEY",
        help="Ask API clients for this key, as X-API-KEY, Bearer token or Basic password: KEY, or NAME:KEY to name it in "
        "records. May be given more than once. It does not protect the WebUI. For keys that may do less see "
        "'extension.py keys add'.",
    )
    group.add_argument(
        "--api-port",
        type=_port,
        default=os.environ.get("API_PORT") or None,
        metavar="PORT",
        help="Serve the API on this port as well, without the WebUI. Default: the environment variable API_PORT.",
    )
    group.add_argument(
        "--base-url",
        type=_base_url,
        default=None,
        metavar="URL",
        help="Public address that result URLs begin with. Default: the address the client used.",
    )
    group.add_argument(
        "--api-db",
        type=database_url,
        default=os.environ.get("API_DB") or None,
        metavar="URL",
        help="Keep the history in this database: postgresql://user:password@host/name, sqlite:///path, or any that peewee "
        "takes. Default: the environment variable API_DB, else a file in outputs/.fooocus_api.",
    )
    group.add_argument(
        "--keep-days",
        type=_positive(float, "a number of days above 0"),
        default=None,
        metavar="DAYS",
        help="Delete tasks and their images when they are older. Default: keep all.",
    )
    group.add_argument(
        "--keep-count",
        type=_positive(int, "a number of tasks above 0"),
        default=None,
        metavar="TASKS",
        help="Delete the oldest tasks and their images when there are more. Default: keep all.",
    )
    group.add_argument(
        "--schedule",
        choices=["fair", "fifo"],
        default="fair",
        help="Which waiting task is next: 'fair' gives every source its turn and lets tasks that need the loaded models go "
        "first, 'fifo' is first come, first served. Default: fair.",
    )
    group.add_argument(
        "--max-overtakes",
        type=_positive(int, "a number of tasks above 0"),
        default=8,
        metavar="TASKS",
        help="How many tasks that need the loaded models may go before one that came earlier. Default: 8.",
    )
    group.add_argument(
        "--max-overtake-seconds",
        type=_positive(float, "a number of seconds above 0"),
        default=60.0,
        metavar="SECONDS",
        help="For how long. Default: 60.",
    )
    group.add_argument(
        "--max-pending",
        type=_positive(int, "a number of tasks above 0"),
        default=None,
        metavar="TASKS",
        help="Answer 429 to further requests when so many tasks wait. Default: no limit.",
    )


def read_settings(args: Any) -> Settings:
    """Settings from the host's parsed `args_manager.args`."""
    return Settings(
        nowebui=args.nowebui,
        apikeys=tuple(args.apikey),
        api_port=args.api_port,
        base_url=args.base_url,
        api_db=args.api_db,
        keep_days=args.keep_days,
        keep_count=args.keep_count,
        schedule=args.schedule,
        max_overtakes=args.max_overtakes,
        max_overtake_seconds=args.max_overtake_seconds,
        max_pending=args.max_pending,
        listen=args.listen,
        port=args.port,
        disable_image_log=bool(getattr(args, "disable_image_log", False)),
        share=bool(getattr(args, "share", False)),
    )


def _apikey(text: str) -> Key:
    try:
        return named_key(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error}; it is KEY or NAME:KEY") from error


def _port(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: a number from 1 to 65535 is")
    return int(text)


def _base_url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"{text!r} is not an address: it must begin with http:// or https://")
    return text.rstrip("/")


def database_url(text: str) -> str:
    """A value of `--api-db`, for a parser."""
    if "://" not in text:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a database URL: it must begin like sqlite:/// or postgresql://"
        )
    return text


def _positive(kind: Callable[[str], Any], meant: str) -> Callable[[str], Any]:
    """A parser for numbers above 0."""

    def parse(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            value = 0
        if not 0 < value < 1e9:
            raise argparse.ArgumentTypeError(f"{text!r} is not {meant}")
        return value

    return parse
