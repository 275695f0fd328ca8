"""Registers the start-up hook in this interpreter, and out when the last checkout goes. Used in this room."""

from __future__ import annotations

import subprocess  # nosec B404  # this Python with a list of arguments, no shell
import sys
import sysconfig
from pathlib import Path

from .checkout import require_writable
from .errors import InstallError

SITE_PACKAGES = Path(sysconfig.get_paths()["purelib"])
MODULE = SITE_PACKAGES / "_fooocus_api_hook.py"
PTH = SITE_PACKAGES / "fooocus_api_hook.pth"
REGISTRY = SITE_PACKAGES / "fooocus_api_checkouts.txt"
"""One checkout a line: those that share this interpreter share the hook."""

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
    """The checkouts that use the hook of this interpreter."""
    if not REGISTRY.is_file():
        return []
    return [Path(line) for line in REGISTRY.read_text(encoding="utf-8").splitlines() if line.strip()]


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
        # The .pth last: it must never name a module that is not there.
        MODULE.write_text(SOURCE.read_text(encoding="utf-8"), encoding="utf-8")
        _write_registry([*checkouts, *([] if checkout in checkouts else [checkout])])
        PTH.write_text(LINE, encoding="utf-8")
        _require_awake()
    except (OSError, InstallError) as error:
        if checkout not in checkouts:
            unregister(checkout)
        raise InstallError(f"the start-up hook could not be registered in {SITE_PACKAGES}: {error}") from error
    return True


def unregister(checkout: Path) -> list[Path]:
    """Take a checkout out, and the hook with the last one; checkouts that are gone from disk count no more.

    Returns:
        The checkouts that still use the hook.

    Raises:
        InstallError: site-packages can't be written.
    """
    others = [path for path in registered() if path != checkout and (path / "extensions" / "fooocus_api").exists()]
    try:
        if others:
            _write_registry(others)
        else:
            cached = MODULE.parent / "__pycache__"
            for file in (PTH, REGISTRY, MODULE, *cached.glob(f"{MODULE.stem}.*.pyc")):
                file.unlink(missing_ok=True)
    except OSError as error:
        raise InstallError(f"the start-up hook in {SITE_PACKAGES} can't be removed: {error}") from error
    return others


def _require_awake() -> None:
    # -s as the Windows package starts Fooocus; another program's variables must not decide what is seen here.
    question = f"import sys; sys.exit({MODULE.stem!r} not in sys.modules)"
    seen = subprocess.run([sys.executable, "-s", "-c", question])  # nosec B603  # see its import
    if seen.returncode:
        raise InstallError(f"{sys.executable} does not read .pth files there")


def _write_registry(checkouts: list[Path]) -> None:
    REGISTRY.write_text("".join(f"{path}\n" for path in checkouts), encoding="utf-8")


def _has(file: Path, text: str) -> bool:
    return file.is_file() and file.read_text(encoding="utf-8") == text
