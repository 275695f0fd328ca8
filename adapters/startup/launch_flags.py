"""The extension's launch flags, added to Fooocus's own parser, and their parsed values."""

from __future__ import annotations

import os
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from ...auth.keys import Key
from . import flag_types
from .flag_types import Network


@dataclass(frozen=True)
class Settings:
    """Launch settings of this process: the extension's flags, and the host's flags that it depends on."""

    nowebui: bool
    apikeys: tuple[Key, ...]
    api_port: int | None
    base_url: str | None
    api_cors: tuple[str, ...]
    link_ttl: int
    log_json: bool
    log_level: str
    api_db: str | None
    keep_days: float | None
    keep_count: int | None
    schedule: str
    max_overtakes: int
    max_overtake_seconds: float
    max_pending: int | None
    allow_private_urls: tuple[Network, ...]
    webhook_url: str | None
    webhook_secret: bytes | None
    webhook_retry_seconds: float
    webhook_timeout: float
    listen: str
    port: int | None
    disable_image_log: bool
    share: bool = False


def add_flags(args_parser: ModuleType) -> None:
    """Add the extension's flags to `ldm_patched.modules.args_parser.parser`. The host parses later, in `args_manager`."""
    group = args_parser.parser.add_argument_group("Fooocus API")
    group.add_argument("--nowebui", action="store_true", help="Serve the API without the WebUI.")
    group.add_argument(
        "--apikey",
        action="append",
        type=flag_types.apikey,
        default=[],
        metavar="KEY",
        help="Ask API clients for this key, as X-API-KEY, Bearer token or Basic password: KEY, or NAME:KEY to name it in "
        "records. May be given more than once. It does not protect the WebUI. For keys that may do less see "
        "'extension.py keys add'.",
    )
    group.add_argument(
        "--api-port",
        type=flag_types.port,
        default=os.environ.get("API_PORT") or None,
        metavar="PORT",
        help="Serve the API on this port as well, without the WebUI. Default: the environment variable API_PORT.",
    )
    group.add_argument(
        "--base-url",
        type=flag_types.base_url,
        default=None,
        metavar="URL",
        help="Public address that result URLs begin with. Default: the address the client used.",
    )
    group.add_argument(
        "--api-cors",
        type=flag_types.origin,
        action="append",
        default=[],
        metavar="ORIGIN",
        help="A site whose pages may use the API in their visitors' browsers, as https://shop.example, or * for all. May be "
        "given more than once. Default: none but the server's own pages.",
    )
    group.add_argument(
        "--link-ttl",
        type=flag_types.duration,
        default=24 * 60 * 60,
        metavar="TIME",
        help="How long the URLs of images work without a key, where keys are needed: 90s, 30m, 24h, 7d. Default: 24h.",
    )
    group.add_argument("--log-json", action="store_true", help="Write the API's log lines as JSON.")
    group.add_argument(
        "--log-level",
        choices=["debug", "info", "warning", "error"],
        default="info",
        help="Which of the API's log lines are written. Default: info. With debug they also tell prompts.",
    )
    group.add_argument(
        "--api-db",
        type=flag_types.database_url,
        default=os.environ.get("API_DB") or None,
        metavar="URL",
        help="Keep the history in this database: postgresql://user:password@host/name, sqlite:///path, or any that peewee "
        "takes. Default: the environment variable API_DB, else a file in outputs/.fooocus_api.",
    )
    group.add_argument(
        "--keep-days",
        type=flag_types.positive(float, "a number of days above 0"),
        default=None,
        metavar="DAYS",
        help="Delete tasks and their images when they are older. Default: keep all.",
    )
    group.add_argument(
        "--keep-count",
        type=flag_types.positive(int, "a number of tasks above 0"),
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
        type=flag_types.positive(int, "a number of tasks above 0"),
        default=8,
        metavar="TASKS",
        help="How many tasks that need the loaded models may go before one that came earlier. Default: 8.",
    )
    group.add_argument(
        "--max-overtake-seconds",
        type=flag_types.positive(float, "a number of seconds above 0"),
        default=60.0,
        metavar="SECONDS",
        help="For how long. Default: 60.",
    )
    group.add_argument(
        "--max-pending",
        type=flag_types.positive(int, "a number of tasks above 0"),
        default=None,
        metavar="TASKS",
        help="Answer 429 to further requests when so many tasks wait. Default: no limit.",
    )
    group.add_argument(
        "--allow-private-urls",
        type=flag_types.network,
        action="append",
        default=[],
        metavar="CIDR",
        help="Fetch images from and send webhooks to these addresses although they are private or this machine's own, as "
        "in 192.168.1.0/24 or 127.0.0.1/32. May be given more than once. Default: public addresses only.",
    )
    group.add_argument(
        "--webhook-url",
        type=flag_types.webhook_url,
        default=None,
        metavar="URL",
        help="Send the record of every task that has ended there, the WebUI's too, unless its request names another URL.",
    )
    group.add_argument(
        "--webhook-secret",
        type=flag_types.webhook_secret,
        default=os.environ.get("WEBHOOK_SECRET") or None,
        metavar="SECRET",
        help="Sign webhooks with it: whsec_ and the base64 of 24 to 64 bytes. Default: the environment variable "
        "WEBHOOK_SECRET, which nobody sees in a list of processes.",
    )
    group.add_argument(
        "--webhook-retry-seconds",
        type=flag_types.positive(float, "a number of seconds above 0"),
        default=5.0,
        metavar="SECONDS",
        help="Pause after the first try to deliver a webhook; each is three times as long as the one before, up to four "
        "hours. Default: 5.",
    )
    group.add_argument(
        "--webhook-timeout",
        type=flag_types.positive(float, "a number of seconds above 0"),
        default=15.0,
        metavar="SECONDS",
        help="How long the receiver of a webhook may take to answer. Default: 15.",
    )


def read_settings(args: Any) -> Settings:
    """Read the settings from the host's parsed `args_manager.args`."""
    return Settings(
        nowebui=args.nowebui,
        apikeys=tuple(args.apikey),
        api_port=args.api_port,
        base_url=args.base_url,
        api_cors=tuple(args.api_cors),
        link_ttl=args.link_ttl,
        log_json=args.log_json,
        log_level=args.log_level,
        api_db=args.api_db,
        keep_days=args.keep_days,
        keep_count=args.keep_count,
        schedule=args.schedule,
        max_overtakes=args.max_overtakes,
        max_overtake_seconds=args.max_overtake_seconds,
        max_pending=args.max_pending,
        allow_private_urls=tuple(args.allow_private_urls),
        webhook_url=args.webhook_url,
        webhook_secret=args.webhook_secret,
        webhook_retry_seconds=args.webhook_retry_seconds,
        webhook_timeout=args.webhook_timeout,
        listen=args.listen,
        port=args.port,
        disable_image_log=bool(getattr(args, "disable_image_log", False)),
        share=bool(getattr(args, "share", False)),
    )
