"""The project's rules of English that a test can check: openings of docstrings, and words that texts avoid."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from fooocus_api.tests.support.host import ROOT

PACKAGES = ["adapters", "api", "asgi", "auth", "commands", "db", "files", "images", "installer", "outbound", "tasks"]
PRODUCT = sorted([path for package in PACKAGES for path in (ROOT / package).rglob("*.py")] + list(ROOT.glob("*.py")))
SHOWN = sorted(path for folder in ("demo", "examples") for path in (ROOT / folder).rglob("*.py"))
"""Programs whose messages a reader sees, too."""
OTHERS = ["tests", "benchmarks", "demo", "examples", "docs", ".ci"]
FILES = sorted([*PRODUCT, *(path for folder in OTHERS for path in (ROOT / folder).rglob("*.py"))])
READMES = [ROOT / "examples" / "README.md", ROOT / "demo" / "README.md"]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *READMES])
BATCH_FILES = sorted([*ROOT.glob("*.bat"), *(ROOT / "installer").glob("*.bat")])
ENGLISH_PAGES = [page for page in PAGES if not page.stem.endswith("_zh") and page.name != "LICENSE.md"]

NOT_AN_OPENING = {"What", "Who", "Whom", "Whose", "Whether", "How", "Which", "Where", "When", "As", "Of", "That"}
NOT_A_VERB = {"The", "A", "An", "All", "It", "Its", "This", "Those", "These", "Each", "Every", "None", "Nothing", "One"}
AVOIDED = (
    "whoever|whosever|whatever|somebody|nobody|told|tell|tells|of ours|beside|anew|goes on|go on|let go|lets go|for good"
    "|mend|mends|mended|give out|gives out|given out|as good as|what waits|so many|as far as"
)
AVOIDED_WORDS = re.compile(rf"\b({AVOIDED})\b", re.IGNORECASE)
DRAWN = re.compile(r"\b(draws?|drew|drawn)\b(?!\.example)", re.IGNORECASE)
"""Forms of a verb that readers meet nowhere: the product generates."""


def texts_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each docstring, each string under a field or constant, and each comment."""
    source = path.read_text("utf-8")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.value.value
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_docstrings_open_with_a_verb_or_a_noun(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module):
            continue
        words = (ast.get_docstring(node) or "").split()
        if not words:
            continue
        opening, name = words[0].strip(".,:`"), getattr(node, "name", path.name)
        assert opening not in NOT_AN_OPENING, f"{name}: {opening}"
        is_property = any("property" in ast.unparse(one) for one in getattr(node, "decorator_list", ()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not is_property:
            assert re.fullmatch(r"[A-Z][a-z-]*[a-rt-z]|[A-Z][a-z-]*ss", opening), (
                f"{name}: {opening} is not an imperative"
            )
            assert opening not in NOT_A_VERB, f"{name}: {opening}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_docstrings_and_comments_use_the_fields_words(path: Path) -> None:
    assert [(line, found[0]) for line, text in texts_of(path) for found in AVOIDED_WORDS.finditer(text)] == []


def messages_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each string constant that is not a docstring."""
    tree = ast.parse(path.read_text("utf-8"))
    texts = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in texts:
            yield node.lineno, node.value


@pytest.mark.parametrize("path", [*PRODUCT, *SHOWN], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_messages_use_the_fields_words(path: Path) -> None:
    assert [(line, found[0]) for line, text in messages_of(path) for found in AVOIDED_WORDS.finditer(text)] == []


@pytest.mark.parametrize(
    "page", [*ENGLISH_PAGES, *BATCH_FILES], ids=lambda page: page.relative_to(ROOT).with_suffix("").as_posix()
)
def test_pages_and_batch_files_use_the_fields_words(page: Path) -> None:
    text = page.read_text("utf-8")
    assert [found[0] for words in (AVOIDED_WORDS, DRAWN) for found in words.finditer(text)] == []
