"""The user's settings: URL and key of the server, in a file that only the user can read."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Optional

from platformdirs import user_config_path

FILE_MODE = 0o600
FOLDER_MODE = 0o700


@dataclass(frozen=True)
class Settings:
    """The values that `fooocus login` keeps."""

    url: Optional[str] = None
    key: Optional[str] = field(default=None, repr=False)


def settings_file() -> Path:
    """Return the path of the file; the variable FOOOCUS_CONFIG names another one."""
    given = os.environ.get("FOOOCUS_CONFIG")
    return Path(given) if given else user_config_path("fooocus", appauthor=False) / "client.json"


def read_settings() -> Settings:
    """Return the settings, empty ones without a file.

    Raises:
        ValueError: the file is damaged.
    """
    path = settings_file()
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return Settings()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ValueError(f"{path} is damaged; run `fooocus login` again")
    texts = {name: found[name] for name in ("url", "key") if isinstance(found.get(name), str)}
    return Settings(**texts)


def write_settings(settings: Settings) -> Path:
    """Write the settings, readable by the user alone, and return the path of the file."""
    path = settings_file()
    path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    content = json.dumps({name: value for name, value in asdict(settings).items() if value}, indent=2)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        if hasattr(os, "fchmod"):
            os.fchmod(file.fileno(), FILE_MODE)  # a file that exists keeps its mode
        file.write(f"{content}\n")
    return path
