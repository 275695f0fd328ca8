"""Registers the start-up hook in this interpreter, and out when the last checkout goes. Used in this room."""

from __future__ import annotations

import subprocess  # nosec B404  # this Python with a list of arguments, no shell
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..files.replacing import delete, discard, write_atomically
from .checkout import require_writable
from .errors import InstallError

SITE_PACKAGES = Path(sysconfig.get_paths()["purelib"])
MODULE = SITE_PACKAGES / "_fooocus_api_hook.py"
PTH = SITE_PACKAGES / "fooocus_api_hook.pth"
REGISTRY = SITE_PACKAGES / "fooocus_api_checkouts.txt"
"""One checkout a line: those that share this interpreter share the hook."""

FILES = (PTH, REGISTRY, MODULE)
"""In the order in which they may go: the .pth must never name a module that is not there."""

SOURCE = Path(__file__).with_name("startup_hook.py")
# One line, as .pth files want it. Every Python of the environment runs it, so a module that vanished must not
# raise in each of them.
LINE = r'import sys; exec("try:\n import _fooocus_api_hook\nexcept ImportError:\n pass")' + "\n"


def require_writable_site_packages() -> None:
    """Raises InstallError when this interpreter can't be given the hook."""
    try:
        require_writable(SITE_PACKAGES)
    except InstallError as error:
        raise InstallError(f"{error}. Run install.py with the Python of Fooocus's own environment") from error


def registered() -> list[Path]:
    """Return the checkouts that use the hook of this interpreter.

    Raises:
        InstallError: another program has the list open for itself alone.
    """
    return [Path(line) for line in (_text_of(REGISTRY) or "").splitlines() if line.strip()]


def is_registered(checkout: Path) -> bool:
    """Return True when the hook is complete, of this version, and there for that checkout."""
    return is_complete() and checkout in registered()


def is_complete() -> bool:
    """Return True when this interpreter has the hook, of this version. It wakes for every checkout that has the extension."""
    return _has(MODULE, SOURCE.read_text(encoding="utf-8")) and _has(PTH, LINE) and REGISTRY.is_file()


def register(checkout: Path) -> bool:
    """Add a checkout. Returns False when everything was there already.

    Raises:
        InstallError: site-packages can't be written, or this interpreter does not read .pth files.
    """
    if is_registered(checkout):
        return False
    checkouts = registered()
    try:
        with kept_on_failure():
            # The .pth last: it must never name a module that is not there.
            _put(MODULE, SOURCE.read_bytes())
            _write_registry([*checkouts, *([] if checkout in checkouts else [checkout])])
            _put(PTH, LINE.encode())
            _require_awake()
    except (OSError, InstallError) as error:
        raise InstallError(f"the start-up hook can't be registered in {SITE_PACKAGES}: {error}") from error
    return True


def has_to_change(checkout: Path) -> bool:
    """Return True when an unregistration of that checkout changes the hook, also of one registered where it lay before."""
    others = _others(checkout)
    return others != registered() if others else any(file.is_file() for file in FILES)


def unregister(checkout: Path) -> list[Path]:
    """Take a checkout out, and the hook with the last one; checkouts that are gone from disk count no more.

    Returns:
        The checkouts that still use the hook.

    Raises:
        InstallError: site-packages can't be written.
    """
    others = _others(checkout)
    try:
        with kept_on_failure():
            if others:
                _write_registry(others)
            else:
                for file in FILES:
                    _put(file, None)
    except OSError as error:
        raise InstallError(f"the start-up hook in {SITE_PACKAGES} can't be removed: {error}") from error
    return others


def _others(checkout: Path) -> list[Path]:
    return [path for path in registered() if path != checkout and (path / "extensions" / "fooocus_api").exists()]


@contextmanager
def kept_on_failure() -> Iterator[None]:
    """Put the hook's files back as they were when what is done inside fails."""
    before = {file: file.read_bytes() if file.is_file() else None for file in FILES}
    try:
        yield
    except BaseException:
        for file, content in reversed(before.items()):
            with suppress(OSError):
                _put(file, content)
        raise


def _require_awake() -> None:
    # -s as the Windows package starts Fooocus; another program's variables must not decide what is seen here.
    question = f"import sys; sys.exit({MODULE.stem!r} not in sys.modules)"
    seen = subprocess.run([sys.executable, "-s", "-c", question])  # nosec B603  # see its import
    if seen.returncode:
        raise InstallError(f"{sys.executable} does not read .pth files there")


def _write_registry(checkouts: list[Path]) -> None:
    _put(REGISTRY, "".join(f"{path}\n" for path in checkouts).encode(errors="surrogateescape"))


def _put(file: Path, content: bytes | None) -> None:
    """Give a file this content, whole or not at all; without any, delete it and what Python has compiled of it."""
    if content is None:
        delete(file)
        for compiled in (file.parent / "__pycache__").glob(f"{file.stem}.*.pyc"):
            discard(compiled)
    elif not file.is_file() or file.read_bytes() != content:
        write_atomically(file, content)


def _has(file: Path, text: str) -> bool:
    return _text_of(file) == text


def _text_of(file: Path) -> str | None:
    """Return a file's text, None when it is not there. Bytes that are no UTF-8, as a path may have on Linux, stay as they are.

    Raises:
        InstallError: it can't be read.
    """
    try:
        return file.read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InstallError(f"{file} can't be read; close what has it open, and try again: {error}") from error
