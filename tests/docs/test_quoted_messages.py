"""Messages that the pages quote, in both languages: each occurs in the code that prints or sends it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import starlette.middleware.errors

from fooocus_api.tests.support.host import ROOT
from fooocus_api.tests.support.sources.source_tree import product_files
from fooocus_api.tests.unit.test_english import PAGES

QUOTING = [page for page in PAGES if page.name != "CHANGELOG.md"]
SERVER = Path(starlette.middleware.errors.__file__)
"""Source of the answer to an error that the WebUI does not handle."""


def template(text: str) -> str:
    """Return a message with `…` in place of each quoted value, and without spaces around these."""
    valueless = re.sub(r"(?<!\w)'[^']*'(?!\w)", "…", text)
    return re.sub(r"\s*…[\s…]*", "…", valueless).strip()


def messages_in(page: Path) -> list[str]:
    """Return the quoted English sentences of a page without their status: quotations of several words, outside of code."""
    prose = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    shown = re.findall(r"`([A-Z][^`]* [^`]*\.)`", prose)
    quoted = re.findall(r'"([^"\n]+ [^"\n]+)"|“([^”\n]+ [^”\n]+)”', re.sub(r"`[^`\n]+`", "", prose))
    texts = [*shown, *(straight or curled for straight, curled in quoted)]
    return [template(re.sub(r"^\d{3} ", "", text)).strip("…") for text in texts]


def templates_of(node: ast.AST) -> Iterator[str]:
    """Yield the strings below a node, without docstrings; an f-string has `…` in place of each value."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.JoinedStr):
            pieces = (part.value if isinstance(part, ast.Constant) else "…" for part in child.values)
            yield template("".join(map(str, pieces)))
        elif isinstance(child, ast.Constant) and isinstance(child.value, str):
            if not isinstance(node, ast.Expr):
                yield template(child.value)
        else:
            yield from templates_of(child)


@cache
def said() -> tuple[str, ...]:
    """Return all messages of the code."""
    programs = [
        text for path in [*product_files(), SERVER] for text in templates_of(ast.parse(path.read_text("utf-8")))
    ]
    return (*programs, *(path.read_text("utf-8") for path in [*ROOT.glob("*.bat"), *ROOT.glob("installer/*.bat")]))


@pytest.mark.parametrize("page", QUOTING, ids=lambda page: page.relative_to(ROOT).with_suffix("").as_posix())
def test_a_quoted_message_occurs_in_the_code(page: Path) -> None:
    assert [message for message in messages_in(page) if not any(message in text for text in said())] == []


@pytest.mark.parametrize(("name", "least"), [("troubleshooting", 6), ("reverse-proxy", 2), ("windows", 1)])
def test_both_languages_quote_the_same_messages(name: str, least: int) -> None:
    english, chinese = (messages_in(ROOT / "docs" / f"{name}{language}.md") for language in ("", "_zh"))
    assert len(english) >= least and english == chinese
