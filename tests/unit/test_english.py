"""The project's rules of English that a test can check: openings of docstrings, and words that texts avoid."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from fooocus_api.tests.support.host import ROOT
from fooocus_api.tests.support.sources import english
from fooocus_api.tests.support.sources.source_tree import product_files, python_files

FILES = python_files()
WITH_SAMPLES = ROOT / "tests" / "unit" / "test_english.py"
"""This file, whose strings break the rules."""
READMES = [ROOT / "examples" / "README.md", ROOT / "demo" / "README.md", ROOT / "client" / "README.md"]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *READMES])
ENGLISH_PAGES = [page for page in PAGES if not page.stem.endswith("_zh") and page.name != "LICENSE.md"]
SCRIPTS = sorted(
    path
    for pattern in ("*.bat", "*.sh", "*/*.bat", "*/*.sh", ".ci/run", ".github/workflows/*.yml")
    for path in ROOT.glob(pattern)
    if not path.is_relative_to(ROOT / ".venv")
)

NOT_AN_OPENING = {"What", "Who", "Whom", "Whose", "Whether", "How", "Which", "Where", "When", "If", "As", "Of", "That"}
NOT_A_VERB = {"The", "A", "An", "All", "It", "Its", "This", "Those", "These", "Each", "Every", "None", "Nothing", "One"}
AVOIDED = (
    "whoever|whosever|whatever|somebody|nobody|told|tell|tells|ours|beside|besides|meanwhile|anew|goes on|go on|let go"
    "|lets go|for good|mend|mends|mended|give out|gives out|given out|as good as|what waits|so many|as far as"
)
AVOIDED_WORDS = re.compile(rf"\b({AVOIDED})\b".replace(" ", r"[\s#>]+"), re.IGNORECASE)
DRAWN = re.compile(r"\b(draws?|drew|drawn)\b(?!\.example)", re.IGNORECASE)
"""Forms of a verb that readers meet nowhere: the product generates."""


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def wrong_openings(tree: ast.Module) -> Iterator[str]:
    """Yield the docstrings and descriptions that do not open with the verb or the noun that they are about."""
    for node, text in english.docstrings(tree):
        opening, name = first_word(text), getattr(node, "name", "the module")
        is_property = any("property" in ast.unparse(one) for one in getattr(node, "decorator_list", ()))
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not is_property
        if opening in NOT_AN_OPENING or (is_function and not is_imperative(opening)):
            yield f"{name}: {opening}"
    for line, text in (*english.attribute_docstrings(tree), *english.descriptions(tree)):
        if (opening := first_word(text)) in NOT_AN_OPENING:
            yield f"line {line}: {opening}"


def first_word(text: str) -> str:
    return (text.split() or [""])[0].strip(".,:`")


def is_imperative(word: str) -> bool:
    return word not in NOT_A_VERB and re.fullmatch(r"[A-Z][a-z-]*[a-rt-z]|[A-Z][a-z-]*ss", word) is not None


def avoided(texts: Iterable[english.Text], words: re.Pattern[str] = AVOIDED_WORDS) -> list[tuple[int, str]]:
    return [(line, " ".join(found[0].split())) for line, text in texts for found in words.finditer(text)]


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_docstrings_open_with_a_verb_or_a_noun(path: Path) -> None:
    assert list(wrong_openings(tree_of(path))) == []


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_docstrings_and_comments_use_the_fields_words(path: Path) -> None:
    assert avoided([*english.docstring_texts(tree_of(path)), *english.comments(path.read_text("utf-8"))]) == []


@pytest.mark.parametrize("path", [path for path in FILES if path != WITH_SAMPLES], ids=name_of)
def test_messages_use_the_fields_words(path: Path) -> None:
    assert avoided(english.strings(tree_of(path))) == []


@pytest.mark.parametrize("path", product_files(), ids=name_of)
def test_names_use_the_fields_words(path: Path) -> None:
    assert avoided(english.names(tree_of(path))) == []


@pytest.mark.parametrize("page", [*ENGLISH_PAGES, *SCRIPTS], ids=name_of)
def test_pages_and_scripts_use_the_fields_words(page: Path) -> None:
    text = page.read_text("utf-8")
    assert [found for words in (AVOIDED_WORDS, DRAWN) for found in avoided([(0, text)], words)] == []


@pytest.mark.parametrize(
    "source",
    [
        '"""Whether a module opens so."""',
        'def f():\n """If it is there, return it."""',
        'def f():\n """The result."""',
        'def f():\n """Returns it."""',
        'A = 1\n"""Whether it is on."""',
        'class A:\n a: int = 0\n """What it counts."""',
        "a: bool = Field(default=True, description='Whether it is on.')",
        "a = Query(description=f'If {b}, it is on.')",
        "a = Query(description='If ' + b)",
        "a = {'description': 'Which one.'}",
        "parser.add_argument('--a', help='Where it is')",
    ],
)
def test_a_wrong_opening_is_found(source: str) -> None:
    assert len(list(wrong_openings(ast.parse(source)))) == 1


@pytest.mark.parametrize(
    "source",
    [
        '"""It goes on."""',
        "a = 'it goes '\\\n 'on'",
        "f'{a} goes {b}ours'",
        "f('it' + ' goes on')",
        "f\"{a['goes on']}\"",
        "'ours' + f('it')",
        "'besides'",
        "'it goes\\non'",
    ],
)
def test_an_avoided_word_in_a_string_is_found(source: str) -> None:
    assert len(avoided(english.strings(ast.parse(source)))) == 1


@pytest.mark.parametrize("source", ["# it goes on", "x = 1  # it goes\n#  on", "#: ours", "x = 1  # Meanwhile, it"])
def test_an_avoided_word_in_a_comment_is_found(source: str) -> None:
    assert len(avoided(english.comments(source))) == 1


@pytest.mark.parametrize(
    "source", ["TOLD = 1", "def let_go(): ...", "class GoesOn: ...", "def f(told): ...", "self.ours = 1"]
)
def test_an_avoided_word_in_a_name_is_found(source: str) -> None:
    assert len(avoided(english.names(ast.parse(source)))) == 1


def test_a_phrase_over_two_lines_of_a_page_is_found() -> None:
    assert avoided([(0, "it goes\non; rem it goes\n# on\n> goes\n> on")]) == [
        (0, "goes on"),
        (0, "goes # on"),
        (0, "goes > on"),
    ]
