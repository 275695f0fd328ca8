"""The project's rules of English that a test can check: openings of docstrings, and words that texts avoid."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from fooocus_api.tests.support.host import ROOT
from fooocus_api.tests.support.sources import english
from fooocus_api.tests.support.sources.source_tree import name_of, product_files, python_files, tree_of

FILES = python_files()
PRODUCT = set(product_files())
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

PAGE_SCRIPTS = sorted([*(ROOT / "dashboard").rglob("*.js"), *(ROOT / "docs").rglob("*.js")])

NOT_AN_OPENING = {"What", "Who", "Whom", "Whose", "Whether", "How", "Which", "Where", "When", "If", "As", "Of", "That"}
NOT_A_VERB = {"The", "A", "An", "All", "It", "Its", "This", "Those", "These", "Each", "Every", "None", "Nothing", "One"}
AVOIDED = (
    "whoever|whosever|whatever|somebody|nobody|told|tell|tells|ours|beside|besides|meanwhile|anew|goes on|go on|let go"
    "|lets go|for good|mend|mends|mended|give out|gives out|given out|as good as|what waits|so many|as far as"
)
AVOIDED_WORDS = re.compile(rf"\b({AVOIDED})\b".replace(" ", r"[\s#>/*]+"), re.IGNORECASE)
DRAWN = re.compile(r"\b(draws?|drew|drawn)\b(?!\.example)", re.IGNORECASE)
"""Forms of a verb that readers meet nowhere: the product generates."""


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


def wrong_comments(path: Path, tree: ast.Module) -> list[tuple[int, str]]:
    return avoided([*english.docstring_texts(tree), *english.comments(path.read_text("utf-8"))])


def wrong_messages(path: Path, tree: ast.Module) -> list[tuple[int, str]]:
    return avoided(english.strings(tree)) if path != WITH_SAMPLES else []


def wrong_names(path: Path, tree: ast.Module) -> list[tuple[int, str]]:
    return avoided(english.names(tree)) if path in PRODUCT else []


RULES: dict[str, Callable[[Path, ast.Module], list[object]]] = {
    "docstrings open with a verb or a noun": lambda _, tree: [*wrong_openings(tree)],
    "docstrings and comments use the field's words": lambda path, tree: [*wrong_comments(path, tree)],
    "messages use the field's words": lambda path, tree: [*wrong_messages(path, tree)],
    "names use the field's words": lambda path, tree: [*wrong_names(path, tree)],
}


@pytest.fixture(scope="module")
def broken() -> dict[str, dict[str, list[object]]]:
    """Return rule → file → what breaks it. Each file is parsed once, for all rules."""
    found: dict[str, dict[str, list[object]]] = {rule: {} for rule in RULES}
    for path in FILES:
        tree = tree_of(path)
        for rule, check in RULES.items():
            if places := check(path, tree):
                found[rule][name_of(path)] = places
    return found


@pytest.mark.parametrize("rule", RULES)
def test_in_every_file(rule: str, broken: dict[str, dict[str, list[object]]]) -> None:
    assert broken[rule] == {}


@pytest.mark.parametrize("page", [*ENGLISH_PAGES, *SCRIPTS], ids=name_of)
def test_pages_and_scripts_use_the_fields_words(page: Path) -> None:
    text = page.read_text("utf-8")
    assert [found for words in (AVOIDED_WORDS, DRAWN) for found in avoided([(0, text)], words)] == []


@pytest.mark.parametrize("script", PAGE_SCRIPTS, ids=name_of)
def test_scripts_of_pages_use_the_fields_words(script: Path) -> None:
    text = script.read_text("utf-8")
    words = [AVOIDED_WORDS, DRAWN] if script.parent.name == "i18n" else [AVOIDED_WORDS]
    assert [found for each in words for found in avoided([(0, text)], each)] == []


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
    assert len(avoided([(0, "/**\n * It goes\n * on.\n */ // it goes\n  // on")])) == 2
