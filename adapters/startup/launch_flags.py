"""The extension's launch flags, added to Fooocus's own parser, and their parsed values. `Settings` is the one table of both."""

from __future__ import annotations

import os
from collections.abc import Container
from dataclasses import Field, dataclass, field, fields
from types import ModuleType
from typing import Any

from ...asgi.surfaces.surface import ALL_SURFACES, Surface
from ...auth.keys import Key
from . import flag_types
from .flag_types import Network

DAY_S = 24 * 60 * 60
TASKS: dict[str, Any] = {"type": flag_types.positive(int, "a number of tasks above 0"), "metavar": "TASKS"}
SECONDS: dict[str, Any] = {"type": flag_types.positive(float, "a number of seconds above 0"), "metavar": "SECONDS"}


def flag(description: str, *, default: Any = None, variable: str | None = None, **options: Any) -> Any:
    """Return the dataclass field of a flag.

    Args:
        description: its text in `--help`.
        default: its value if it is not given.
        variable: the environment variable that the default comes from.
        options: further arguments of `add_argument`.
    """
    return field(default=default, metadata={"help": description, "variable": variable, **options})


def switch(description: str) -> Any:
    """Return the dataclass field of a flag without a value."""
    return field(default=False, metadata={"help": description, "action": "store_true"})


def repeatable(description: str, **options: Any) -> Any:
    """Return the dataclass field of a flag that may be given more than once."""
    return field(default=(), metadata={"help": description, "action": "append", **options})


@dataclass(frozen=True)
class Settings:
    """Launch settings of this process: the extension's flags, and at the end the host's flags that it depends on.

    A field's flag is its name with hyphens.
    """

    nowebui: bool = switch("Serve the API without the WebUI.")
    apikey: tuple[Key, ...] = repeatable(
        "Require this key of API clients, as X-API-KEY, Bearer token or Basic password: KEY, or NAME:KEY to name it in records. "
        "Repeatable. It does not protect the WebUI. 'extension.py keys add' makes keys with fewer rights.",
        type=flag_types.apikey,
        metavar="KEY",
    )
    apikey_file: tuple[Key, ...] = flag(
        "Require one of the keys in this file, one on each line, as KEY or NAME:KEY: a secret of Docker or systemd. Default: the "
        "environment variable API_KEY_FILE.",
        default=(),
        variable="API_KEY_FILE",
        type=flag_types.apikey_file,
        metavar="FILE",
    )
    api_port: int | None = flag(
        "Serve the API on this port as well, without the WebUI. Default: the environment variable API_PORT.",
        variable="API_PORT",
        type=flag_types.port,
        metavar="PORT",
    )
    base_url: str | None = flag(
        "Public address that result URLs begin with. Default: the address that the client used.",
        type=flag_types.base_url,
        metavar="URL",
    )
    api_cors: tuple[str, ...] = repeatable(
        "Allow browser requests from this origin, such as https://shop.example, or * for any. Repeatable. Default: the server's "
        "own pages only.",
        type=flag_types.origin,
        metavar="ORIGIN",
    )
    link_ttl: int = flag(
        "Lifetime of signed image URLs, where keys are needed: 90s, 30m, 24h, 7d. Default: 24h.",
        default=DAY_S,
        type=flag_types.duration,
        metavar="TIME",
    )
    log_json: bool = switch("Write the API's log lines as JSON.")
    log_level: str = flag(
        "Write the API's log lines from this level up. 'debug' includes prompts. Default: info.",
        default="info",
        choices=["debug", "info", "warning", "error"],
    )
    api_db: str | None = flag(
        "Keep the history in this database: postgresql://user:password@host/name, sqlite:///path, or any other URL that peewee "
        "supports. Default: the environment variable API_DB, else a file in outputs/.fooocus_api.",
        variable="API_DB",
        type=flag_types.database_url,
        metavar="URL",
    )
    cluster: bool = switch(
        "Share the queue and the history with the other processes at this --api-db, which must be PostgreSQL: each generates "
        "what it claims, and each shows and controls all tasks."
    )
    node_name: str | None = flag(
        "Name of this process in the cluster. Default: the machine's name and the port.",
        type=flag_types.node_name,
        metavar="NAME",
    )
    api_files: str | None = flag(
        "Folder that all processes of the cluster share for images, or s3://bucket/prefix. Default: the environment variable "
        "API_FILES, else a folder fooocus-cluster next to this process's outputs folder.",
        variable="API_FILES",
        type=flag_types.files_place,
        metavar="PLACE",
    )
    affinity_wait: float = flag(
        "Time for which a free node of the cluster leaves a task to a node that has its model loaded, 0 for none. Default: 2.",
        default=2.0,
        type=flag_types.not_negative,
        metavar="SECONDS",
    )
    node_timeout: float = flag(
        "Time without a heartbeat after which a node's tasks go to others. Default: 15.", default=15.0, **SECONDS
    )
    keep_days: float | None = flag(
        "Delete tasks and their images when they are older. Default: keep all.",
        type=flag_types.positive(float, "a number of days above 0"),
        metavar="DAYS",
    )
    keep_count: int | None = flag(
        "Delete the oldest tasks and their images when there are more. Default: keep all.", **TASKS
    )
    schedule: str = flag(
        "Order of the waiting tasks. 'fair' lets the sources take turns and prefers tasks that need the loaded models; 'fifo' is "
        "first in, first out. Default: fair.",
        default="fair",
        choices=["fair", "fifo"],
    )
    max_overtakes: int = flag(
        "Number of tasks that may overtake an earlier one because they need the loaded models. Default: 8.",
        default=8,
        **TASKS,
    )
    max_overtake_seconds: float = flag("Time for which a task may be overtaken. Default: 60.", default=60.0, **SECONDS)
    max_pending: int | None = flag(
        "Answer 429 to further requests when this many tasks wait. Default: no limit.", **TASKS
    )
    allow_private_urls: tuple[Network, ...] = repeatable(
        "Allow image URLs, webhooks and model files at these private or local addresses, such as 192.168.1.0/24 or 127.0.0.1/32. "
        "Repeatable. Default: public addresses only.",
        type=flag_types.network,
        metavar="CIDR",
    )
    allow_pickle_models: bool = switch(
        "Allow downloads of model files that are pickles (.ckpt, .pt, .pth, .bin, .patch): loading one can run code."
    )
    model_disk_reserve: float = flag(
        "Refuse downloads of model files that leave less than this free, in GB. Default: 5.",
        default=5.0,
        type=flag_types.positive(float, "a number of GB above 0"),
        metavar="GB",
    )
    compat: frozenset[Surface] = flag(
        "Speak the APIs of other programs: openai, a1111, legacy and mcp, separated by commas, or none. Default: all.",
        default=ALL_SURFACES,
        type=flag_types.surfaces,
        metavar="NAMES",
    )
    no_dashboard: bool = switch("Serve no dashboard at /dashboard, and add no link to it to the WebUI.")
    webhook_url: str | None = flag(
        "Send the record of every finished task there, the WebUI's as well, unless its request names another URL.",
        type=flag_types.webhook_url,
        metavar="URL",
    )
    webhook_secret: bytes | None = flag(
        "Sign webhooks with this secret: whsec_ and the base64 of 24 to 64 bytes. Default: the environment variable "
        "WEBHOOK_SECRET, which no list of processes shows.",
        variable="WEBHOOK_SECRET",
        type=flag_types.webhook_secret,
        metavar="SECRET",
    )
    webhook_retry_seconds: float = flag(
        "Pause after the first attempt to deliver a webhook. Each further pause is three times as long, up to four hours. "
        "Default: 5.",
        default=5.0,
        **SECONDS,
    )
    webhook_timeout: float = flag(
        "Time that the receiver of a webhook has to answer. Default: 15.", default=15.0, **SECONDS
    )

    listen: str = "127.0.0.1"
    port: int | None = None
    disable_image_log: bool = False
    share: bool = False


def add_flags(args_parser: ModuleType, names: Container[str] | None = None) -> None:
    """Add the extension's flags to `ldm_patched.modules.args_parser.parser`. The host parses later, in `args_manager`.

    `names` are the fields of `Settings` whose flags are added; None for all.
    """
    group = args_parser.parser.add_argument_group("Fooocus API")
    for setting in fields(Settings):
        options, default = dict(setting.metadata), _default_of(setting)
        if not options or (names is not None and setting.name not in names):
            continue  # the host's own flag, or one that a gateway has no use for
        variable = options.pop("variable", None)
        if variable is not None:
            default = os.environ.get(variable) or default
        if isinstance(default, tuple):
            default = list(default)  # argparse appends to it
        group.add_argument(f"--{setting.name.replace('_', '-')}", default=default, **options)


def read_settings(args: Any) -> Settings:
    """Read the settings from the host's parsed `args_manager.args`."""
    values: dict[str, Any] = {}
    for setting in fields(Settings):
        value = getattr(args, setting.name, _default_of(setting))
        values[setting.name] = tuple(value) if isinstance(value, list) else value
    return Settings(**values)


def _default_of(setting: Field[Any]) -> Any:
    return setting.default
