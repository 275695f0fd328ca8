"""A PostgreSQL server of its own, run by the programs that this machine has, with its data in a temp folder."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess  # nosec B404  # PostgreSQL's programs with lists of arguments, no shell
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..errors import InstallError

FOLDERS = (
    "/usr/lib/postgresql/*/bin",  # Debian and Ubuntu
    "/usr/pgsql-*/bin",  # Red Hat
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
    "C:/Program Files/PostgreSQL/*/bin",
)
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
}
"""Fast settings that lose data in a power cut: the data are thrown away anyway."""
NEEDED = ("initdb", "postgres", "pg_ctl")
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 60.0


def programs() -> Path | None:
    """Return the folder of the newest `initdb` and `postgres`, or None if PostgreSQL is not installed."""
    on_path = shutil.which("initdb")
    found = [*([Path(on_path).resolve().parent] if on_path else []), *sorted(_installed(), key=_version)]
    ending = ".exe" if sys.platform == "win32" else ""
    have_all = (one for one in reversed(found) if all((one / f"{name}{ending}").is_file() for name in NEEDED))
    return next(have_all, None)


def no_postgres(system: str) -> str:
    """Return the error for a machine without PostgreSQL, with the remedy for its system."""
    remedy = {
        "win32": "install it with the installer from postgresql.org (EDB)",
        "darwin": "run `brew install postgresql@17`",
    }.get(system, "on Debian and Ubuntu, run `apt install postgresql`")
    docker = "docker run --rm -p 5432:5432 -e POSTGRES_PASSWORD=secret postgres:17"
    url = "--api-db postgresql://postgres:secret@127.0.0.1:5432/postgres"
    return f"PostgreSQL is not installed here; {remedy}, or start one with `{docker}` and pass `{url}`"


def _installed() -> Iterator[Path]:
    for pattern in FOLDERS:
        anchor = Path(pattern).anchor
        if anchor and Path(anchor).exists():
            yield from Path(anchor).glob(pattern[len(anchor) :])


def _version(folder: Path) -> tuple[int, ...]:
    digits = "".join(letter if letter.isdigit() else " " for letter in folder.parent.name).split()
    return tuple(map(int, digits))


class LocalPostgres:
    """A server on a port of its own; it runs within its `with` block, and its data are deleted after it.

    Args:
        bin_folder: the folder of PostgreSQL's programs.
        port: a free port; None for any.
        settings: of `postgresql.conf`, over `SETTINGS`.

    Raises:
        InstallError: PostgreSQL refuses to run as this user.
    """

    def __init__(
        self,
        bin_folder: Path,
        user: str,
        password: str,
        *,
        port: int | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.port = port or _free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._bin = bin_folder
        self._user = user
        self._password = password
        self._settings = {**SETTINGS, **(settings or {})}
        self._as = _other_user()
        self._temp = tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True)
        self._folder = Path(self._temp.name)
        if self._as:
            shutil.chown(self._folder, self._as["user"], self._as["group"])

    def __enter__(self) -> LocalPostgres:
        try:
            self._create()
            return self.start()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._temp.cleanup()

    def url(self, database: str = "postgres", *, password: str | None = None) -> str:
        """Return the URL of a database. `password` is one as written in a URL; None for the right one."""
        return f"postgresql://{self._user}:{password or quote(self._password)}@127.0.0.1:{self.port}/{database}"

    def start(self) -> LocalPostgres:
        """Start the server, also after `stop`, and return when it accepts connections.

        Raises:
            InstallError: it does not start; the message has the last lines of its log.
        """
        settings = {**self._settings, "port": str(self.port)}
        if sys.platform != "win32":
            settings["unix_socket_directories"] = str(self._folder)
        command = [str(self._bin / "postgres"), "-D", str(self._folder / "data")]
        command += [word for item in settings.items() for word in ("-c", "=".join(item))]
        with (self._folder / "log").open("ab") as log:
            self.process = subprocess.Popen(  # nosec B603  # see its import
                command, cwd=self._folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **_apart(), **self._as
            )
        end = time.monotonic() + START_TIMEOUT_S
        while not self._is_ready():
            if self.process.poll() is not None or time.monotonic() > end:
                raise InstallError(f"PostgreSQL does not start: {self._log()}")
            time.sleep(0.02)
        return self

    def stop(self, mode: str = "fast") -> None:
        """Stop the server and all its connections. The mode `immediate` equals a crash."""
        process, self.process = self.process, None
        if process is None or process.poll() is not None:
            return
        command = (str(self._bin / "pg_ctl"), "stop", "-D", str(self._folder / "data"), "-m", mode, "-W", "-s")
        subprocess.run(command, cwd=self._folder, **_apart(), **self._as)  # nosec B603  # see its import
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _create(self) -> None:
        secret = self._folder / "password"
        secret.write_text(self._password, encoding="utf-8")
        data = ("-D", str(self._folder / "data"), "-U", self._user, "--pwfile", str(secret))
        options = ("--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync")
        command = (str(self._bin / "initdb"), *data, *options)
        made = subprocess.run(  # nosec B603  # see its import
            command, cwd=self._folder, capture_output=True, text=True, errors="replace", **_apart(), **self._as
        )
        if made.returncode:
            raise InstallError(f"PostgreSQL can't create a database: {_last(made.stderr or made.stdout)}")

    def _is_ready(self) -> bool:
        """Return whether the server accepts connections, which the last line of its own file says."""
        try:
            lines = (self._folder / "data" / "postmaster.pid").read_text("utf-8", "replace").splitlines()
        except OSError:
            return False
        assert self.process is not None  # nosec B101  # for mypy: `start` has set it
        return len(lines) >= 8 and lines[0] == str(self.process.pid) and lines[7].strip() == "ready"

    def _log(self) -> str:
        return _last((self._folder / "log").read_text("utf-8", "replace"))


def _other_user() -> dict[str, Any]:
    """Return the options to run the programs as another user: they refuse to run as root, and their package creates one."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return {}
    import pwd  # not on Windows

    try:
        pwd.getpwnam("postgres")
    except KeyError:
        raise InstallError(
            "PostgreSQL refuses to run as root, and there is no user `postgres`; run this as another user"
        ) from None
    return {"user": "postgres", "group": "postgres", "extra_groups": []}


def _apart() -> dict[str, Any]:
    """Return options by which a Ctrl-C in the terminal does not reach a program: it is stopped in its turn."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _last(text: str) -> str:
    return " ".join(text.split()[-60:]) or "it says nothing"
