"""Installs the extension into a checkout: preconditions, steps, and a check of the result."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from .check import problems, unsupported
from .checkout import EMBEDDED, Checkout, own_python, require_writable
from .errors import InstallError
from .pip import pip_install
from .placement import hook_registration
from .placement.extension_files import place
from .requirements import installed_version, installed_versions, normalized, read_requirements

REASONS = {
    "starlette": "newer ones make the WebUI itself answer 500",
    "fastapi": "older ones have no server-sent events",
    "pydantic": "the API needs version 2, and gradio lives with it",
    "huggingface-hub": "transformers 4 can't use 1.0 and newer",
}
"""Package → why its version is changed; all others are moved into the range that the extension is tested with."""

NOT_PINNED_BY_FOOOCUS = ("torch", "torchvision", "torchaudio", "xformers", "gradio", "gradio_client")
"""Packages kept at their version although Fooocus does not pin them: Fooocus breaks when one of them changes."""


def install(checkout: Checkout, source: Path, *, for_cluster: bool = False) -> int:
    """Install the extension in `source` into a checkout. Repeating it changes nothing.

    `for_cluster` also installs the packages that `--cluster` needs.

    Returns:
        0, or 1 if it is installed but can't work with this Fooocus.

    Raises:
        InstallError: it failed; checkout and interpreter are unchanged.
    """
    print(f"Fooocus {checkout.version} in {checkout.path}")
    _require_right_python(checkout)
    require_writable(checkout.extensions)
    hook_registration.require_writable_site_packages()

    install_requirements(checkout, source / "requirements-ext.txt")
    if for_cluster:
        install_requirements(checkout, source / "requirements-cluster.txt")
    # The hook first: without the extension it does nothing, and it is easier to roll back.
    with hook_registration.kept_on_failure():
        changed = hook_registration.register(checkout.path)
        print(place(source, checkout.extension))
    print(
        f"the start-up hook is {'registered' if changed else 'registered already'} in {hook_registration.SITE_PACKAGES}"
    )
    return _say_result(checkout)


def _require_right_python(checkout: Checkout) -> None:
    """Reject a Python that does not run this Fooocus: the installation would succeed, but Fooocus would never see it.

    Raises:
        InstallError: it is another package's or another environment's Python.
    """
    used = Path(sys.executable).parent.resolve()
    own = own_python(checkout.path)
    if own is not None and used.name in EMBEDDED and used != own.parent.resolve():
        raise InstallError(f"{sys.executable} is another package's Python; run install.py with {own}")
    if installed_version("gradio") is not None:
        return
    places = ("fooocus_env", "venv", ".venv", "env", *(f"../{name}" for name in EMBEDDED))
    for folder in places:
        for python in ("bin/python", "Scripts/python.exe", "python.exe"):
            found = checkout.path / folder / python
            if found.is_file() and found.parent.resolve() != used:
                raise InstallError(f"{sys.executable} does not run this Fooocus; run install.py with {found}")


def install_requirements(checkout: Checkout, requirements: Path) -> None:
    """Install the missing requirements, and keep the versions of all packages that Fooocus has.

    Raises:
        InstallError: pip failed.
    """
    wanted = read_requirements(requirements)
    unmet = [requirement for requirement in wanted if not requirement.met]
    if not unmet:
        print("all required packages are installed")
        return
    print("installing " + ", ".join(f"{requirement.name}{requirement.specifier}" for requirement in unmet))
    before = installed_versions()
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder, "constraints.txt")
        held = _held_where_they_are(checkout, {normalized(requirement.name) for requirement in wanted})
        constraints.write_text("".join(f"{name}=={version}\n" for name, version in held.items()), encoding="utf-8")
        pip_install(Path(sys.executable), [requirements], constraints)
    after = installed_versions()
    for name in sorted(after):
        if name not in before:
            print(f"added {name} {after[name]}")
        elif before[name] != after[name]:
            reason = REASONS.get(name, "the range that the API is tested with")
            print(f"moved {name} {before[name]} -> {after[name]}: {reason}")


def _held_where_they_are(checkout: Checkout, own: set[str]) -> dict[str, str]:
    """Return the packages that Fooocus pins, at the installed version, else at the one that Fooocus will install."""
    pinned = {
        requirement.name: requirement.specifier.removeprefix("==").strip()
        for requirement in read_requirements(checkout.path / "requirements_versions.txt")
        if requirement.specifier.startswith("==")
    }
    held = {}
    for name in (*pinned, *NOT_PINNED_BY_FOOOCUS):
        version = installed_version(name) or pinned.get(name)
        if version and normalized(name) not in own:
            held[name] = version
    return held


def _say_result(checkout: Checkout) -> int:
    reason = unsupported(checkout)
    if reason is not None:
        print(
            f"error: installed, but Fooocus {checkout.version} is not supported: {reason}. "
            "Its WebUI works as before, the API does not",
            file=sys.stderr,
        )
        return 1
    left = problems(checkout)
    if left:
        print(f"error: installed, but {'; '.join(left)}", file=sys.stderr)
        return 1
    portable = checkout.path.parent / "run.bat"
    start = portable if portable.is_file() else f"{Path(sys.executable).name} launch.py"
    print(f"\nDone. Start Fooocus as always, for example: {start}")
    print("WebUI  http://127.0.0.1:7865/\nAPI    http://127.0.0.1:7865/docs")
    return 0
