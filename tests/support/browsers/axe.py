"""axe-core, which finds faults that keep people with screen readers, keyboards or low vision out of a page."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from fooocus_api.tests.support.browsers.dashboard import Dashboard

PACKAGE = "axe_playwright_python"
"""The package that carries axe-core's file. Nothing else of it is used."""
RUN = """
const [options, done] = arguments;
axe.run(document, options).then(({violations}) => done(violations), error => done([{
  id: "axe", impact: "critical", nodes: [{target: [], failureSummary: String(error)}],
}]));
"""
SERIOUS = {"serious", "critical"}


def source() -> str:
    """Return axe-core's script. Skip the test if the package is not installed."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        pytest.skip("axe-playwright-python is not installed: see requirements-dev.txt")
    return (Path(spec.origin).parent / "axe.min.js").read_text("utf-8")


def serious_faults(page: Dashboard, *rules: str) -> list[str]:
    """Return the serious and critical faults of the page as it is, by all of axe-core's rules or by these."""
    if not page.driver.execute_script("return 'axe' in window"):
        page.driver.execute_script(source())
    options: dict[str, Any] = {"resultTypes": ["violations"], "preload": False}
    if rules:
        options["runOnly"] = {"type": "rule", "values": rules}
    found = page.driver.execute_async_script(RUN, options)
    return [
        f"{fault['id']} ({fault['impact']}): {node['target']} {node['failureSummary']}"
        for fault in found
        if fault["impact"] in SERIOUS
        for node in fault["nodes"]
    ]
