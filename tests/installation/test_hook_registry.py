"""The list of checkouts that share an interpreter's hook: paths of any bytes, and the error for an unreadable list."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fooocus_api.installer.errors import InstallError
from fooocus_api.installer.placement import hook_registration as hook
from fooocus_api.tests.support.fakes.sharing_violations import SharingViolation


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return this test's own site-packages."""
    for name in ("MODULE", "PTH", "REGISTRY"):
        monkeypatch.setattr(hook, name, tmp_path / getattr(hook, name).name)
    monkeypatch.setattr(hook, "FILES", (hook.PTH, hook.REGISTRY, hook.MODULE))
    monkeypatch.setattr(hook, "SITE_PACKAGES", tmp_path)
    monkeypatch.setattr(hook, "require_awake", lambda: None)
    return tmp_path


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
def test_a_checkout_whose_name_is_no_utf_8_is_kept(site: Path) -> None:
    checkout = Path(os.fsdecode(b"/somewhere/Fooocus \xff"))
    assert hook.register(checkout) and hook.is_registered(checkout)
    assert hook.registered() == [checkout] and b"Fooocus \xff\n" in hook.REGISTRY.read_bytes()
    assert hook.unregister(checkout) == [] and not list(site.iterdir())


CALLS: dict[str, Callable[[Path], Any]] = {
    "register": hook.register,
    "has to change": hook.has_to_change,
    "unregister": hook.unregister,
    "check": hook.is_registered,
}


@pytest.mark.parametrize("call", CALLS)
def test_a_list_that_is_open_elsewhere_is_a_clear_error(call: str, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hook.register(Path("/somewhere/Fooocus"))
    before = {path.name: path.read_bytes() for path in site.iterdir()}
    real = Path.read_text

    def read_text(path: Path, *arguments: Any, **named: Any) -> str:
        if path == hook.REGISTRY:
            raise SharingViolation(str(path))
        return real(path, *arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_text", read_text)
        with pytest.raises(InstallError, match="can't be read; close the program that has it open"):
            CALLS[call](Path("/elsewhere/Fooocus"))
    assert {path.name: path.read_bytes() for path in site.iterdir()} == before
