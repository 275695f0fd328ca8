"""Our launch flags, on Fooocus's own parser, and what they came out as."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from types import ModuleType
from typing import Any


@dataclass(frozen=True)
class Settings:
    """How this process was started: our flags, and the host's that matter to us."""

    nowebui: bool
    apikeys: tuple[str, ...]
    api_port: int | None
    base_url: str | None
    listen: str
    port: int | None
    disable_image_log: bool


def add_flags(args_parser: ModuleType) -> None:
    """Add our flags to `ldm_patched.modules.args_parser.parser`. The host parses later, in `args_manager`."""
    group = args_parser.parser.add_argument_group("Fooocus API")
    group.add_argument("--nowebui", action="store_true", help="Serve the API without the WebUI.")
    group.add_argument(
        "--apikey",
        action="append",
        default=[],
        metavar="KEY",
        help="Ask API clients for this key, as X-API-KEY, Bearer token or Basic password. May be given more than once. "
        "It does not protect the WebUI.",
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


def read_settings(args: Any) -> Settings:
    """Settings from the host's parsed `args_manager.args`."""
    return Settings(
        nowebui=args.nowebui,
        apikeys=tuple(args.apikey),
        api_port=args.api_port,
        base_url=args.base_url,
        listen=args.listen,
        port=args.port,
        disable_image_log=bool(getattr(args, "disable_image_log", False)),
    )


def _port(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: a number from 1 to 65535 is")
    return int(text)


def _base_url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"{text!r} is not an address: it must begin with http:// or https://")
    return text.rstrip("/")
