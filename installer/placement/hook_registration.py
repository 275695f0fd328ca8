"""Registers the startup hook in this interpreter, and removes it with its last checkout."""

from __future__ import annotations

import subprocess  # nosec B404  # this Python with a list of arguments, no shell
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ...files.replacing import delete, discard, write_atomically
from ..checkout import require_writable
from ..errors import InstallError

SITE_PACKAGES = Path(sysconfig.get_paths()["purelib"])
MODULE = SITE_PACKAGES / "_fooocus_api_hook.py"
PTH = SITE_PACKAGES / "fooocus_api_hook.pth"
REGISTRY = SITE_PACKAGES / "fooocus_api_checkouts.txt"
"""One checkout per line: checkouts that share this interpreter share the hook."""

FILES = (PTH, REGISTRY, MODULE)
"""In the order of removal: the .pth must never name a missing module."""

SOURCE = Path(__file__).with_name("startup_hook.py")
# One line, as .pth files require. Every Python of the environment runs it, so a missing module must not
# raise in each of them.
LINE = r'import sys; exec("try:\n import _fooocus_api_hook\nexcept ImportError:\n pass")' + "\n"


def require_writable_site_packages() -> None:
    """Check that the hook can be installed in this interpreter.

    Raises:
        InstallError: its site-packages can't be written.
    """
    try:
        require_writable(SITE_PACKAGES)
    except InstallError as error:
        raise InstallError(f"{error}; run install.py with the Python of Fooocus's own environment") from error


def registered() -> list[Path]:
    """Return the checkouts that use the hook of this interpreter.

    Raises:
        InstallError: another program has the list open for itself alone.
    """
    return [Path(line) for line in (_text_of(REGISTRY) or "").splitlines() if line.strip()]


def is_registered(checkout: Path) -> bool:
    """Return whether the hook is complete, has this version, and is registered for that checkout."""
    return is_complete() and checkout in registered()


def is_complete() -> bool:
    """Return whether this interpreter has the hook in this version. It starts the extension of every checkout that has one."""
    return _has(MODULE, SOURCE.read_text(encoding="utf-8")) and _has(PTH, LINE) and REGISTRY.is_file()


def register(checkout: Path) -> bool:
    """Register a checkout. Return False if it was registered already.

    Raises:
        InstallError: site-packages can't be written, or this interpreter does not read .pth files.
    """
    if is_registered(checkout):
        return False
    checkouts = registered()
    try:
        with kept_on_failure():
            # The .pth last: it must never name a missing module.
            _put(MODULE, SOURCE.read_bytes())
            _write_registry([*checkouts, *([] if checkout in checkouts else [checkout])])
            _put(PTH, LINE.encode())
            require_awake()
    except (OSError, InstallError) as error:
        raise InstallError(f"the start-up hook can't be registered in {SITE_PACKAGES}: {error}") from error
    return True


def has_to_change(checkout: Path) -> bool:
    """Return whether unregistering that checkout changes the hook, including one registered at its previous location."""
    others = _others(checkout)
    return others != registered() if others else any(file.is_file() for file in FILES)


def unregister(checkout: Path) -> list[Path]:
    """Unregister a checkout, and remove the hook with the last one. Checkouts that no longer exist do not count.

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


def missing(checkout: Path) -> list[Path]:
    """Return the registered checkouts, other than that one, that are not where they were: moved or deleted."""
    return [path for path in registered() if path != checkout and not path.exists()]


@contextmanager
def kept_on_failure() -> Iterator[None]:
    """Restore the hook's files if the `with` block fails."""
    before = {file: file.read_bytes() if file.is_file() else None for file in FILES}
    try:
        yield
    except BaseException:
        for file, content in reversed(before.items()):
            with suppress(OSError):
                _put(file, content)
        raise


def require_awake() -> None:
    """Check that a new Python process runs the hook.

    Raises:
        InstallError: it does not.
    """
    # -s as the Windows package starts Fooocus: the user's own site-packages must not affect the result.
    question = f"import sys; sys.exit({MODULE.stem!r} not in sys.modules)"
    seen = subprocess.run([sys.executable, "-s", "-c", question])  # nosec B603  # see its import
    if seen.returncode:
        raise InstallError(f"{sys.executable} does not read .pth files there")


def _write_registry(checkouts: list[Path]) -> None:
    _put(REGISTRY, "".join(f"{path}\n" for path in checkouts).encode(errors="surrogateescape"))


def _put(file: Path, content: bytes | None) -> None:
    """Write a file's content atomically; for None, delete the file and its compiled versions."""
    if content is None:
        delete(file)
        for compiled in (file.parent / "__pycache__").glob(f"{file.stem}.*.pyc"):
            discard(compiled)
    elif not file.is_file() or file.read_bytes() != content:
        write_atomically(file, content)


def _has(file: Path, text: str) -> bool:
    return _text_of(file) == text


def _text_of(file: Path) -> str | None:
    """Return a file's text, or None if it does not exist. Bytes that are not UTF-8, which a path may have on Linux, survive.

    Raises:
        InstallError: it can't be read.
    """
    try:
        return file.read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InstallError(
            f"{file} can't be read; close the program that has it open, and try again: {error}"
        ) from error
