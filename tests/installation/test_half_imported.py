"""Patches of modules that are half imported when the extension wakes, and are patched once complete."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from fooocus_api.adapters.patching.hooks import Patches
from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import Host
from fooocus_api.tests.support.hosts.installation_copies import Sandbox, make_sandbox

FLAGS = ("--disable-in-browser", "--disable-analytics", "--demo-step-ms", "0", "--demo-load-ms", "0")
EARLY = "half_imported_early"
LATER = "half_imported_later"


@pytest.fixture
def hooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Patches]:
    """Yield hooks, with a module on `sys.path` that calls `sys.wake` before it defines its names."""
    (tmp_path / f"{EARLY}.py").write_text("import sys\nsys.wake()\ndef shape(): return 'as it is'\n")
    (tmp_path / f"{LATER}.py").write_text(f"from {EARLY} import shape\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    hooks = Patches()
    yield hooks
    hooks.uninstall()
    for name in (EARLY, LATER):
        sys.modules.pop(name, None)


def test_the_next_import_meets_the_module_patched(hooks: Patches, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "wake", lambda: hooks.when_imported(EARLY, wrap_shape(hooks)), raising=False)
    early = __import__(EARLY)
    assert hooks.report() == {EARLY: "waiting"}
    later = __import__(LATER)
    assert hooks.report() == {EARLY: "patched"} and hooks.problems == {}
    assert (early.shape(), later.shape()) == ("patched", "patched")
    assert not any(type(finder).__name__ == "DeferredPatches" for finder in sys.meta_path)


def test_a_host_that_imports_nothing_further_is_settled(hooks: Patches, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "wake", lambda: hooks.when_imported(EARLY, wrap_shape(hooks)), raising=False)
    early = __import__(EARLY)
    hooks.settle()
    assert early.shape() == "patched"


def test_a_failed_import_is_patched_at_its_second_try(
    hooks: Patches, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wake() -> None:
        hooks.when_imported(EARLY, wrap_shape(hooks))
        raise ImportError("not yet")

    monkeypatch.setattr(sys, "wake", wake, raising=False)
    with pytest.raises(ImportError, match="not yet"):
        __import__(EARLY)
    hooks.settle()
    assert hooks.report() == {EARLY: "waiting"}
    monkeypatch.setattr(sys, "wake", lambda: None)
    assert __import__(EARLY).shape() == "patched"


def test_uninstall_drops_a_patch_that_waits(hooks: Patches, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "wake", lambda: hooks.when_imported(EARLY, wrap_shape(hooks)), raising=False)
    early = __import__(EARLY)
    hooks.uninstall()
    __import__(LATER)
    assert early.shape() == "as it is"


def test_a_launcher_that_imports_modules_util_first_has_the_api(tmp_path: Path) -> None:
    sandbox = make_sandbox(tmp_path)
    with Host(early_checkout(sandbox), way="launch", flags=FLAGS, python=sandbox.python, patience=90) as host:
        client = Client(host.url)
        info = client.get("/v1/info").json()
        assert info["supported"] is True, host.log()
        assert info["patched"]["modules.util"] == "patched"
        record = client.draw(prompt="a lighthouse")
        larger = client.draw(uov_method="Upscale (Custom)", uov_input_image=record["result"][0], upscale_multiple=1.25)
        (width, height), before = ((larger["images"][0][side] for side in ("width", "height")), record["images"][0])
        assert (width, height) != (before["width"], before["height"])


def early_checkout(sandbox: Sandbox) -> Path:
    """Return a demo checkout with the extension, whose launch.py imports `modules.util` first, as some forks do."""
    path = sandbox.checkout("early")
    launch, util = path / "launch.py", path / "modules" / "util.py"
    launch.write_text(
        launch.read_text("utf-8").replace("import fooocus_version", "import modules.util, fooocus_version", 1)
    )
    util.write_text(util.read_text("utf-8").replace("import datetime", "import modules.config\nimport datetime", 1))
    done = sandbox.install(path)
    assert done.returncode == 0, done.stderr
    return path


def wrap_shape(hooks: Patches) -> Callable[[ModuleType], None]:
    """Return a patch that makes the module's `shape` return "patched"."""

    def patch(module: ModuleType) -> None:
        hooks.wrap(module, "shape", lambda wrapped, instance, args, kwargs: "patched")

    return patch
