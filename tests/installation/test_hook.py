"""The start-up hook, which wakes only for a checkout with the extension and never breaks a program."""

from __future__ import annotations

from pathlib import Path

import pytest

from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import Host, Way
from fooocus_api.tests.support.hosts.installation_copies import Sandbox, git, make_sandbox

FLAGS = ("--disable-in-browser", "--disable-analytics", "--demo-step-ms", "0", "--demo-load-ms", "0")
AWAKE = """
import sys
sys.argv = ["launch.py"]
import args_manager
name = "extension" if "fooocus_api.extension" in sys.modules else "plain"
print(name, hasattr(args_manager.args, "nowebui"))
"""


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    return make_sandbox(tmp_path_factory.mktemp("hook"))


@pytest.fixture(scope="module")
def checkout(sandbox: Sandbox) -> Path:
    """Return a checkout with the extension; tests leave it unchanged."""
    path = sandbox.checkout("with")
    done = sandbox.install(path)
    assert done.returncode == 0, done.stderr
    return path


@pytest.fixture(scope="module")
def plain(sandbox: Sandbox) -> Path:
    """Return a checkout without the extension, on the same interpreter."""
    return sandbox.checkout("without")


@pytest.mark.parametrize("flags", [(), ("-s",)], ids=["as always", "as on Windows"])
def test_it_wakes_for_the_extension(sandbox: Sandbox, checkout: Path, flags: tuple[str, ...]) -> None:
    done = sandbox.run(*flags, "-c", AWAKE, folder=checkout)
    assert done.stdout.splitlines()[-1] == "extension True", done.stdout + done.stderr


def test_it_sleeps_for_a_checkout_without(sandbox: Sandbox, checkout: Path, plain: Path) -> None:
    done = sandbox.run("-c", AWAKE, folder=plain)
    assert done.stdout.splitlines()[-1] == "plain False", done.stdout + done.stderr
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("value", "seen"),
    [("1", "plain False"), ("yes", "plain False"), ("0", "extension True"), ("", "extension True")],
)
def test_an_environment_variable_switches_it_off(sandbox: Sandbox, checkout: Path, value: str, seen: str) -> None:
    done = sandbox.run("-c", AWAKE, folder=checkout, env={"FOOOCUS_API_DISABLE": value})
    assert done.stdout.splitlines()[-1] == seen, done.stdout + done.stderr


def test_another_programs_args_manager_is_its_own(sandbox: Sandbox, checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "args_manager.py").write_text("value = 7")
    look = "import sys, args_manager; print(args_manager.value, 'wrapt' in sys.modules)"
    done = sandbox.run("-c", look, folder=tmp_path)
    assert (done.stdout.strip(), done.stderr) == ("7 False", "")
    nowhere = sandbox.run("-c", "import args_manager")
    assert "ModuleNotFoundError: No module named 'args_manager'" in nowhere.stderr


def test_other_programs_load_nothing_but_the_finder(sandbox: Sandbox, checkout: Path) -> None:
    listing = "import sys; print(*sorted(sys.modules))"
    with_hook = set(sandbox.run("-c", listing).stdout.split())
    pth = sandbox.site_packages / "fooocus_api_hook.pth"
    line = pth.read_bytes()
    pth.unlink()
    try:
        without = set(sandbox.run("-c", listing).stdout.split())
    finally:
        pth.write_bytes(line)
    assert with_hook - without == {"_fooocus_api_hook"}


def test_a_hook_whose_module_vanished_is_silent(sandbox: Sandbox, checkout: Path) -> None:
    module = sandbox.site_packages / "_fooocus_api_hook.py"
    source = module.read_bytes()
    module.unlink()
    try:
        done = sandbox.run("-c", "print('fine')")
    finally:
        module.write_bytes(source)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "fine", "")


def test_a_broken_extension_costs_a_line_and_no_more(sandbox: Sandbox, checkout: Path) -> None:
    broken = checkout / "extensions" / "fooocus_api" / "extension.py"
    source = broken.read_bytes()
    broken.write_text("raise RuntimeError('broken on purpose')")
    try:
        done = sandbox.run("-c", AWAKE, folder=checkout)
    finally:
        broken.write_bytes(source)
    assert done.stdout.splitlines()[-1] == "plain False"
    assert done.stderr.splitlines() == [
        "[Fooocus API] not started: RuntimeError: broken on purpose; Fooocus runs without it"
    ]


@pytest.mark.parametrize("way", ["launch", "entry_with_update", "extension"])
def test_every_way_of_starting_has_the_api_once(sandbox: Sandbox, checkout: Path, way: Way) -> None:
    """Start once each way; `extension` runs extension.py with the hook in place, and the two install the API once."""
    with Host(checkout, way=way, flags=FLAGS, python=sandbox.python, patience=90) as host:
        client = Client(host.url)
        info = client.get("/v1/info").json()
        assert info["supported"] is True, info
        assert "gradio_config" in client.get("/").text
        record = client.draw(prompt="a lighthouse")
        assert len(record["result"]) == 1
        assert len(host.images()) == 1
        assert host.log().count("/docs") == 1, host.log()  # it announces itself once
    assert git(checkout, "status", "--porcelain") == ""


def test_without_the_extension_it_is_plain_fooocus(sandbox: Sandbox, checkout: Path, plain: Path) -> None:
    with Host(plain, way="launch", flags=FLAGS, python=sandbox.python, patience=90) as host:
        client = Client(host.url)
        assert "gradio_config" in client.get("/").text
        assert client.get("/v1/info").status_code == 404
        assert "Fooocus API" not in host.log()
