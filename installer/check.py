"""Checks whether a checkout meets the requirements, without importing any of Fooocus."""

from __future__ import annotations

import os
import platform
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..adapters.inspection.patch_points import inspect_checkout
from ..adapters.inspection.signature_reader import read_signature
from ..adapters.inspection.task_signature import UnknownSignature
from .checkout import Checkout
from .placement import hook_registration
from .placement.extension_files import version_of
from .requirements import installed_version, read_requirements

REQUIREMENTS = Path(__file__).parent.parent / "requirements-ext.txt"
SUPPORTED = "supported are Fooocus 2.5.0 and newer, mashb1t/Fooocus 2.6.0 to 2.6.5, Fooocus_extend 9.3.3"


@dataclass(frozen=True)
class Result:
    """One line of the report. `ok` is None for information only."""

    topic: str
    text: str
    ok: bool | None


def check(checkout: Checkout) -> int:
    """Print the report.

    Returns:
        0 if every check passes, else 1.
    """
    print(f"{checkout.path}\n")
    failures = 0
    for result in _report(checkout):
        failures += result.ok is False
        print(f"{_sign(result.ok)}  {result.topic:<22} {result.text}")
    print(f"\n{'No problems found.' if not failures else f'{failures} of these must be fixed.'}")
    return 1 if failures else 0


def unsupported(checkout: Checkout) -> str | None:
    """Return why the API can't work with this version of Fooocus, None if it can."""
    order = _argument_order(checkout)
    if not order.ok:
        return f"{order.text} ({SUPPORTED})"
    missing = [result for result in _patch_points(checkout) if result.ok is False]
    return f"{missing[0].text} ({SUPPORTED})" if missing else None


def problems(checkout: Checkout) -> list[str]:
    """Return the failed checks of the extension's own parts."""
    return [
        f"{result.topic}: {result.text}" for result in (*_dependencies(), *_own_parts(checkout)) if result.ok is False
    ]


def _report(checkout: Checkout) -> Iterator[Result]:
    reason = unsupported(checkout)
    yield Result(
        "Fooocus",
        f"{checkout.version}, {f'not supported: {reason}' if reason else 'supported'}",
        reason is None,
    )
    yield Result("Python", f"{platform.python_version()}, {sys.executable}", True)
    gradio = installed_version("gradio")
    yield Result("gradio", gradio or "not installed: start Fooocus once, it installs what it needs", gradio is not None)
    yield from _patch_points(checkout)
    yield _argument_order(checkout)
    yield from _dependencies()
    yield from _own_parts(checkout)
    yield from _ports()


def _patch_points(checkout: Checkout) -> Iterator[Result]:
    has_gradio = installed_version("gradio") is not None
    for finding in inspect_checkout(checkout.path):
        # Without gradio its patch points can't be checked; another line reports that it is missing.
        ok = finding.found if has_gradio or not finding.module.startswith("gradio.") else None
        state = "found" if finding.found else f"missing, {finding.detail}"
        yield Result("patch point", f"{finding.module}.{finding.name} {state} ({finding.why})", ok)


def _argument_order(checkout: Checkout) -> Result:
    source = checkout.path / "modules" / "async_worker.py"
    try:
        signature = read_signature(source.read_text(encoding="utf-8"))
    except (UnknownSignature, SyntaxError, UnicodeDecodeError, OSError) as error:
        return Result("argument order", f"the task's argument order is unknown: {error}", False)
    return Result("argument order", signature.describe(), True)


def _dependencies() -> Iterator[Result]:
    for requirement in read_requirements(REQUIREMENTS):
        text = f"{requirement.installed or 'not installed'}, required: {requirement.specifier}"
        yield Result(requirement.name, text, requirement.met)


def _own_parts(checkout: Checkout) -> Iterator[Result]:
    version = version_of(checkout.extension)
    yield Result(
        "extension",
        f"{version} in {checkout.extension}" if version else f"not in {checkout.extension}; {_install(checkout)}",
        version is not None,
    )
    # Ignores the list of checkouts: it has the folder at installation time, and portable packages are moved.
    is_there = hook_registration.is_complete()
    where = f"in {hook_registration.SITE_PACKAGES}"
    text = f"registered {where}" if is_there else f"not registered {where}; {_install(checkout)}"
    yield Result("start-up hook", text, is_there)
    if os.environ.get("FOOOCUS_API_DISABLE", "0") not in ("", "0"):
        yield Result("FOOOCUS_API_DISABLE", "is set: the extension will not start", None)


def _install(checkout: Checkout) -> str:
    return f'run install.py "{checkout.path}" with this Python'


def _ports() -> Iterator[Result]:
    second = os.environ.get("API_PORT")
    for name, port in (
        ("WebUI and API", os.environ.get("GRADIO_SERVER_PORT") or "7865"),
        ("API_PORT", second),
    ):
        if port is None:
            continue
        if not port.isdecimal() or not 0 < int(port) < 65536:
            yield Result(f"port of {name}", f"{port!r} is not a port; use a number from 1 to 65535", False)
        else:
            # A port in use is not a failure: most likely Fooocus is running.
            text = "in use (is Fooocus running?)" if in_use(int(port)) else "free"
            yield Result(f"port of {name}", f"{port} is {text}", None)


def in_use(port: int) -> bool:
    """Return whether a program listens on that port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _sign(ok: bool | None) -> str:
    return {True: "ok  ", False: "FAIL", None: "note"}[ok]
