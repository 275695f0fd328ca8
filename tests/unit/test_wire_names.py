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
from fooocus_api.tests.support.sources.source_tree import name_of, product_files, tree_of

NAMES = {name for model in (CommonRequest, Lora, ImagePrompt, EnhanceControl) for name in model.model_fields}
READERS = ("api/", "adapters/task_args/", "images/metadata/", "client/")
"""Folders that read them, or the keys of image files, of which Fooocus names some in the same way; the client sends them."""

EXCEPTIONS = {
    ("adapters/inspection/signature_reader.py", "loras"): "a group of the host's arguments",
    ("adapters/models/catalog.py", "loras"): "a catalogue, as its route names it",
    ("adapters/models/model_folders.py", "loras"): "a folder of models, as its route names it",
    ("adapters/worker/task_overrides.py", "uov_method"): "a local variable of the host's function",
    ("adapters/models/memory.py", "base_model_name"): "an attribute of the host's task",
    ("adapters/worker/results.py", "enhance_input_image"): "an attribute of the host's task",
    ("adapters/worker/results.py", "save_final_enhanced_image_only"): "an attribute of the host's task",
    ("adapters/worker/worker.py", "black_out_nsfw"): "an attribute of the host's task",
    ("db/migrations.py", "base_model_name"): "a step of the schema, which stays as it was released",
    ("db/migrations.py", "prompt"): "a step of the schema, which stays as it was released",
    ("cluster/messages/notices.py", "image_number"): "a number of a task's stage",
    ("gateway/flags.py", "webhook_url"): "a launch flag",
    ("commands/history_import/old_databases.py", "style_selections"): "a column of another program's table",
    ("commands/history_import/old_databases.py", "loras"): "a column of another program's table",
    ("commands/history_import/old_databases.py", "outpaint_selections"): "a column of another program's table",
    ("commands/history_import/old_databases.py", "require_base64"): "a column of another program's table",
    ("commands/history_import/old_databases.py", "async_process"): "a column of another program's table",
    ("commands/history_import/old_databases.py", "webhook_url"): "a column of another program's table",
    ("tasks/lifecycle/observers.py", "prompt"): "a key of a log line",
    ("tasks/model/rows.py", "tags"): "a key of a row, of the workload's tags",
    ("tasks/model/pick.py", "priority"): "a reason for a place in the queue",
    ("tasks/model/task.py", "tags"): "the one field that clients change after the request",
    ("db/statements/changes/tags.py", "tags"): "the same in the stored parameters",
    ("db/statements/counts/values.py", "tags"): "a name of counts, as the table's",
    ("db/statements/writes.py", "tags"): "a key of a row, for the table of tags",
}
"""(file, name) → what the name is there."""


def used(tree: ast.AST) -> Iterator[str]:
    """Yield the field names among a module's strings, those in `getattr` included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node.value in NAMES:
            yield str(node.value)


def is_reader(path: Path, root: Path = ROOT) -> bool:
    return path.relative_to(root).as_posix().startswith(READERS)


@pytest.fixture(scope="module")
def uses() -> set[tuple[str, str]]:
    """Return (file, name) of each use in the product; each file is parsed once."""
    return {(name_of(path), name) for path in product_files() for name in used(tree_of(path))}


def test_a_fields_name_is_read_by_the_api_and_the_mapping_alone(uses: set[tuple[str, str]]) -> None:
    found = {(file, name) for file, name in uses - EXCEPTIONS.keys() if not is_reader(ROOT / file)}
    remedy = "let `adapters/task_args/workload_fields.py` read the field; add a word of another meaning to EXCEPTIONS"
    assert found == set(), remedy


@pytest.mark.parametrize("file", ["installer/a.py", "new/a.py", "runtime.py", "adapters/worker/api/a.py"])
def test_a_file_of_another_package_is_no_reader(file: str) -> None:
    assert not is_reader(ROOT / file)


def test_each_exception_is_needed(uses: set[tuple[str, str]]) -> None:
    assert EXCEPTIONS.keys() - uses == set()


@pytest.mark.parametrize(
    "line",
    [
        "parameters.get('prompt')",
        "parameters['image_number']",
        "for name in ('uov_method',): pass",
        "getattr(parameters, 'prompt')",
        "attrgetter('prompt')",
    ],
)
def test_a_field_that_is_read_is_found(line: str) -> None:
    assert list(used(ast.parse(line)))


@pytest.mark.parametrize("line", ["task.prompt", "f(prompt=1)", "'the prompt'"])
def test_other_uses_of_a_name_are_left_alone(line: str) -> None:
    assert not list(used(ast.parse(line)))


# ------------------------------------------------------------------- references to images

PARTS = {"inputs/", "outputs/", "/inputs/", "/outputs/"}
TAKEN_APART = {"images/references.py", "auth/signed_urls.py"}
"""Files that may name a reference's beginning: the type itself, and the paths of URLs that can be signed."""


def test_a_reference_is_put_together_and_taken_apart_in_one_place() -> None:
    found = {
        name_of(path): node.value
        for path in product_files()
        if name_of(path) not in TAKEN_APART
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Constant) and node.value in PARTS
    }
    assert found == {}, "use `images.references.ImageReference`"


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
