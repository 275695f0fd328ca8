"""Only the API and the mapping of arguments know the names of a request's fields."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from fooocus_api.api.schemas.generate import CommonRequest
from fooocus_api.api.schemas.items import EnhanceControl, ImagePrompt, Lora
from fooocus_api.images.references import ImageReference
from fooocus_api.tests.support.host import ROOT

NAMES = {name for model in (CommonRequest, Lora, ImagePrompt, EnhanceControl) for name in model.model_fields}
ROOMS = ("adapters", "asgi", "auth", "commands", "db", "files", "images", "outbound", "tasks")
ALLOWED_FOLDER = ROOT / "adapters" / "task_args"
"""The one folder besides `api` that reads them."""

EXCEPTIONS = {
    ("adapters/inspection/signature_reader.py", "loras"): "a group of the host's arguments",
    ("adapters/models/catalog.py", "loras"): "a catalogue, as its route names it",
    ("adapters/worker/task_overrides.py", "uov_method"): "a local variable of the host's function",
    ("db/migrations.py", "base_model_name"): "a step of the schema, which stays as it was released",
    ("db/migrations.py", "prompt"): "a step of the schema, which stays as it was released",
    ("commands/history_import/old_databases.py", "style_selections"): "a column of another program's table",
    ("commands/history_import/old_databases.py", "loras"): "a column of another program's table",
    ("commands/history_import/old_databases.py", "outpaint_selections"): "a column of another program's table",
    ("commands/history_import/old_databases.py", "require_base64"): "a column of another program's table",
    ("commands/history_import/old_databases.py", "async_process"): "a column of another program's table",
    ("commands/history_import/old_databases.py", "webhook_url"): "a column of another program's table",
    ("tasks/lifecycle/observers.py", "prompt"): "a key of a log line",
}
"""(file, name) → what the name is there."""


def used(tree: ast.AST) -> Iterator[str]:
    """Yield the field names among a module's strings, but not those that name an attribute of the host's objects."""
    attributes = {
        id(node.args[1])
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "hasattr", "setattr") and node.args[1:]
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node.value in NAMES and id(node) not in attributes:
            yield str(node.value)


FILES = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py")) if ALLOWED_FOLDER not in path.parents]


@pytest.mark.parametrize("path", [*FILES, ROOT / "extension.py", ROOT / "runtime.py"], ids=lambda path: path.stem)
def test_a_fields_name_is_read_by_the_api_and_the_mapping_alone(path: Path) -> None:
    file = path.relative_to(ROOT).as_posix()
    found = {name for name in used(ast.parse(path.read_text("utf-8"))) if (file, name) not in EXCEPTIONS}
    assert not found, f"{file} reads {sorted(found)}: let `adapters/task_args/workload.py` read them"


@pytest.mark.parametrize(("file", "name"), sorted(EXCEPTIONS), ids=lambda value: value)
def test_each_exception_is_needed(file: str, name: str) -> None:
    assert name in used(ast.parse((ROOT / file).read_text("utf-8")))


@pytest.mark.parametrize(
    "line", ["parameters.get('prompt')", "parameters['image_number']", "for name in ('uov_method',): pass"]
)
def test_a_field_that_is_read_is_found(line: str) -> None:
    assert list(used(ast.parse(line)))


@pytest.mark.parametrize("line", ["getattr(task, 'uov_method')", "task.prompt", "f(prompt=1)", "'the prompt'"])
def test_other_uses_of_a_name_are_left_alone(line: str) -> None:
    assert not list(used(ast.parse(line)))


# ------------------------------------------------------------------- references to images

PARTS = {"inputs/", "outputs/", "/inputs/", "/outputs/"}
TAKEN_APART = {"images/references.py", "auth/signed_urls.py"}
"""Files that may name a reference's beginning: the type itself, and the paths of URLs that can be signed."""
PRODUCT = [path for room in (*ROOMS, "api") for path in sorted((ROOT / room).rglob("*.py"))]


@pytest.mark.parametrize("path", PRODUCT, ids=lambda path: path.stem)
def test_a_reference_is_put_together_and_taken_apart_in_one_place(path: Path) -> None:
    if path.relative_to(ROOT).as_posix() in TAKEN_APART:
        return
    tree = ast.parse(path.read_text("utf-8"))
    parts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and node.value in PARTS]
    assert not parts, "use `images.references.ImageReference`"


def test_a_reference_is_the_text_of_which_it_was_made() -> None:
    for text, kind, name in [
        ("inputs/a.png", "inputs", "a.png"),
        ("outputs/2026-01-31/a b.png", "outputs", "2026-01-31/a b.png"),
    ]:
        reference = ImageReference.parse(text)
        assert reference is not None and (reference.kind, reference.name, str(reference)) == (kind, name, text)
        assert reference.url_path == "/" + text.replace(" ", "%20")


@pytest.mark.parametrize(
    "text", ["", "inputs", "inputs/", "/inputs/a.png", "input/a.png", "a cat", "http://x/inputs/a"]
)
def test_another_text_is_no_reference(text: str) -> None:
    assert ImageReference.parse(text) is None
