"""The list of patch points: it contains every host name that the code wraps, and each of its modules is registered."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from fooocus_api.adapters.inspection import patch_points
from fooocus_api.adapters.inspection.patch_points import HOST_MODULES, PATCH_POINTS, HostModule
from fooocus_api.adapters.patching.hooks import Patches
from fooocus_api.extension import Extension
from fooocus_api.tests.support.host import ROOT

WITHOUT_A_HOST = {"proactor.py", "termination.py", "hooks.py"}
"""Files that patch asyncio and sys, and the file that applies patches."""


def patched_names() -> Iterator[tuple[str, str]]:
    """Yield the file and the name of each host function or variable that the code wraps or replaces."""
    for path in sorted((ROOT / "adapters").rglob("*.py")):
        if path.name in WITHOUT_A_HOST:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("wrap", "replace")
                and ast.unparse(node.func.value) in ("hooks", "patches", "self.patches")
            ):
                owner, name = node.args[0], ast.literal_eval(node.args[1])
                yield path.name, owner.attr if isinstance(owner, ast.Attribute) else name


@pytest.mark.parametrize(("file", "name"), sorted(set(patched_names())))
def test_each_patched_name_is_in_the_list(file: str, name: str) -> None:
    assert name in {point.name for point in PATCH_POINTS}


def test_the_code_patches_something() -> None:
    assert len(list(patched_names())) > 8


def test_the_modules_with_a_name_are_the_patched_ones(tmp_path_factory: pytest.TempPathFactory) -> None:
    named = {value.name for value in vars(patch_points).values() if isinstance(value, HostModule)}
    instrumentation = Extension(tmp_path_factory.mktemp("checkout")).instrumentation
    instrumentation.register_patches()
    try:
        assert set(instrumentation.patches.report()) == named <= {module.name for module in HOST_MODULES}
    finally:
        instrumentation.patches.uninstall()


def test_the_steps_of_a_module_run_in_their_order() -> None:
    patches, ran = Patches(), []
    patches.apply(
        HostModule("json", {}), lambda module, _: ran.append(module.__name__), lambda *_: ran.append("second")
    )
    assert ran == ["json", "second"] and patches.report() == {"json": "patched"}
