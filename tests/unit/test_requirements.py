"""Version ranges of the packages that an install adds: they include versions that already work."""

from __future__ import annotations

import pytest

from fooocus_api.installer.requirements import Requirement, read_requirements
from fooocus_api.tests.support.host import ROOT

REQUIREMENTS = {requirement.name: requirement for requirement in read_requirements(ROOT / "requirements-ext.txt")}


@pytest.mark.parametrize("requirement", REQUIREMENTS.values(), ids=REQUIREMENTS)
def test_each_is_a_range_that_holds_the_version_of_this_environment(requirement: Requirement) -> None:
    lowest, highest = requirement.specifier.split(",")
    assert lowest.startswith(">=") and highest.startswith("<")
    assert requirement.met, requirement.installed
    assert requirement.admits(lowest.removeprefix(">=")) and not requirement.admits(highest.removeprefix("<"))


@pytest.mark.parametrize(
    ("name", "version", "stays"),
    [
        ("pydantic", "2.11.5", True),  # pinned by a fork
        ("pydantic", "2.14.4", True),
        ("pydantic", "1.10.27", False),
        ("fastapi", "0.135.0", True),
        ("fastapi", "0.104.1", False),  # it has no server-sent events
        ("starlette", "0.52.1", True),
        ("starlette", "1.0.0", False),  # Gradio's pages answer 500
        ("wrapt", "1.17.2", True),
        ("wrapt", "2.5.2", True),
        ("huggingface_hub", "0.23.2", True),
        ("huggingface_hub", "1.0.1", False),
    ],
)
def test_what_an_environment_has_stays_if_it_works(name: str, version: str, stays: bool) -> None:
    assert REQUIREMENTS[name].admits(version) is stays


def test_no_package_is_named_that_a_fork_pins_another_way() -> None:
    assert "requests" not in REQUIREMENTS and "urllib3" not in REQUIREMENTS
