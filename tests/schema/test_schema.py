"""Two thousand repeatable cases for the schema; `install.py --bench schema` tries more, and others."""

from __future__ import annotations

import pytest

from .search import search

CASES = 2_000


@pytest.mark.nightly
def test_every_answer_is_as_the_schema_says() -> None:
    runs = search(CASES, seed=1, repeatable=True)
    cases = sum(run.cases for run in runs)
    print(f"{cases} cases")
    assert cases >= CASES
    assert {run.name for run in runs} >= {"no key needed", "key", "no key"}
