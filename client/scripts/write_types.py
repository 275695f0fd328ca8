"""Writes `schema/` of the client from the extension's OpenAPI schema, so that the client's types are those of the wire.

    python client/scripts/write_types.py http://127.0.0.1:7865

The argument is the address of a demo host, or a file with its `/v1/openapi.json`. A test compares the result with the files.
"""

from __future__ import annotations

import argparse
import json
import re
import textwrap
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent.parent / "src" / "fooocus_api_client" / "schema"
WIDTH = 118
HEAD = '''"""{subject}

Written by client/scripts/write_types.py: change the extension's schema, and run that again.
"""

from __future__ import annotations
'''
MODULES: dict[str, tuple[str, dict[str, str]]] = {
    "images": (
        "Images, and the errors and repetitions of tasks.",
        {
            "TaskErrorModel": "TaskError",
            "DifferenceModel": "Difference",
            "RepeatsModel": "Repeats",
            "IgnoredField": "IgnoredField",
            "ImageModel": "Image",
            "InputResponse": "Upload",
        },
    ),
    "tasks": (
        "Tasks and their lists.",
        {
            "BatchPlace": "BatchPlace",
            "RecordResponse": "Task",
            "TaskCard": "TaskCard",
            "TaskCards": "TaskCards",
            "TaskLists": "TaskLists",
        },
    ),
    "events": (
        "Events of tasks, and messages of the stream of a request.",
        {"TaskEvent": "TaskEvent", "DroppedEvent": "DroppedEvent", "StreamMessage": "StreamMessage"},
    ),
    "batches": (
        "Batches and their rows.",
        {
            "BatchCounts": "BatchCounts",
            "BatchPause": "BatchPause",
            "BatchFailure": "BatchFailure",
            "BatchWebhook": "BatchWebhook",
            "BatchResponse": "Batch",
            "BatchList": "BatchList",
            "BatchResult": "BatchResult",
        },
    ),
    "catalog": (
        "Models, styles, presets and the server itself.",
        {
            "ModelFiles": "ModelNames",
            "ModelFileEntry": "ModelFile",
            "StyleResponse": "Style",
            "PresetResponse": "Preset",
            "ControlTypeEntry": "ControlType",
            "WildcardEntry": "Wildcard",
            "InfoResponse": "Info",
        },
    ),
    "tools": (
        "Results of the tools.",
        {
            "DescribeResponse": "Description",
            "GeneratorName": "GeneratorName",
            "UnmappedValue": "UnmappedValue",
            "ModelMatch": "ModelMatch",
            "ReadMetadataResponse": "Metadata",
            "PromptLora": "PromptLora",
            "ExpandedPrompt": "ExpandedPrompt",
            "ExpandPromptResponse": "ExpandedPrompts",
        },
    ),
    "items": (
        "Items of the lists in a request.",
        {"Lora": "Lora", "ImagePrompt": "ImagePrompt", "EnhanceControl": "EnhanceControl"},
    ),
    "requests": ("Fields of a request.", {"CommonRequest": "GenerateFields"}),
}
"""Module → its subject, and the name in the schema → the name in the client."""
SENT = {"items", "requests"}
"""Modules of what a client sends: typed dictionaries, as each key may be absent. What it receives are dataclasses."""
NAMES = {schema: name for _, names in MODULES.values() for schema, name in names.items()}
HOMES = {name: module for module, (_, names) in MODULES.items() for name in names.values()}
LEFT_OUT = {"prompt", "stream_output", "async_process"}
"""Fields of a request that the client's methods set themselves."""
SCALARS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}


def main() -> None:
    """Write all modules."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("schema", help="address of a demo host, or a file with its schema")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder of the modules")
    options = parser.parse_args()
    schemas = read_schemas(options.schema)
    options.out.mkdir(parents=True, exist_ok=True)
    for module in MODULES:
        (options.out / f"{module}.py").write_text(module_text(module, schemas), "utf-8", newline="\n")


def read_schemas(source: str) -> dict[str, Any]:
    """Return the schemas by name, from an address or a file."""
    if "://" in source:
        with urllib.request.urlopen(f"{source.rstrip('/')}/v1/openapi.json") as response:  # nosec B310  # a developer's demo
            text = response.read()
    else:
        text = Path(source).read_bytes()
    found: dict[str, Any] = json.loads(text)["components"]["schemas"]
    return found


def module_text(module: str, schemas: dict[str, Any]) -> str:
    """Return the source of a module."""
    subject, names = MODULES[module]
    write = typed_dict if module in SENT else dataclass
    body = "\n\n\n".join(write(new, schemas[old], schemas) for old, new in names.items())
    return "\n".join([HEAD.format(subject=subject), *imports(module, body), "", "", body, ""])


def imports(module: str, body: str) -> Iterator[str]:
    """Yield the lines of imports that the classes of a module need, in the formatter's order."""
    code = re.sub(r'""".*?"""', "", body, flags=re.DOTALL)
    if "@dataclass" in code:
        yield f"from dataclasses import dataclass{', field' if ' = field(' in code else ''}"
    typing = [name for name in ("Any", "Optional", "TypedDict") if re.search(rf"\b{name}\b", code)]
    if typing:
        yield f"from typing import {', '.join(typing)}"
    yield ""
    used: dict[str, list[str]] = {}
    for name, home in HOMES.items():
        if home != module and re.search(rf"\b{name}\b", code):
            used.setdefault(home, []).append(name)
    own = ["from .image_source import ImageSource"] if "ImageSource" in code else []
    own += ["from .message import Message"] if module not in SENT else []
    yield from sorted([*own, *(f"from .{home} import {', '.join(sorted(names))}" for home, names in used.items())])


def dataclass(name: str, schema: dict[str, Any], schemas: dict[str, Any]) -> str:
    """Return a dataclass. Members that may be absent come last, as they have a default."""
    required = set(schema.get("required", ()))
    members = sorted(schema["properties"].items(), key=lambda member: member[0] not in required)
    lines = ["@dataclass(frozen=True)", f"class {name}(Message):", *documented(schema["description"]), ""]
    for key, value in members:
        kind = type_of(value, schemas)
        if key in required:
            lines.append(f"    {key}: {kind}")
        elif kind.startswith(("list", "dict")):
            lines.append(f"    {key}: {kind} = field(default_factory={kind.partition('[')[0]})")
        else:
            lines.append(f"    {key}: {optional(kind)} = None")
        lines += documented(value["description"])
    return "\n".join(lines)


def typed_dict(name: str, schema: dict[str, Any], schemas: dict[str, Any]) -> str:
    """Return a typed dictionary of optional keys."""
    lines = [f"class {name}(TypedDict, total=False):", *documented(schema["description"]), ""]
    for key, value in schema["properties"].items():
        if key not in LEFT_OUT and not value.get("deprecated"):
            lines += [f"    {key}: {type_of(value, schemas)}", *documented(value["description"])]
    return "\n".join(lines)


def documented(text: str) -> list[str]:
    """Return the lines of a docstring."""
    text = " ".join(text.split()).replace("\\", "\\\\")
    wrapped = textwrap.wrap(f'"""{text}', WIDTH - 4, break_on_hyphens=False)
    return [f"    {line}" for line in [*wrapped[:-1], f'{wrapped[-1]}"""']]


def type_of(schema: dict[str, Any], schemas: dict[str, Any]) -> str:
    """Return the annotation of a value, which Python 3.9 can evaluate."""
    if "data URI, or the URL" in schema.get("description", ""):
        return "Optional[ImageSource]"
    if reference := schema.get("$ref"):
        name = reference.rpartition("/")[2]
        return NAMES[name] if "properties" in schemas[name] else type_of(schemas[name], schemas)
    kinds = [one for one in schema.get("anyOf", ()) if set(one) & {"type", "$ref"}]
    if kinds and "type" not in schema:
        wanted = [type_of(one, schemas) for one in kinds if one.get("type") != "null"]
        kind = wanted[0] if len(set(wanted)) == 1 else "Any"
        return optional(kind) if len(wanted) < len(kinds) else kind
    if schema.get("type") == "array":
        return f"list[{type_of(schema['items'], schemas)}]"
    if schema.get("type") == "object":
        values = schema.get("additionalProperties")
        return f"dict[str, {type_of(values, schemas) if isinstance(values, dict) and values else 'Any'}]"
    return SCALARS.get(schema.get("type", ""), "Any")


def optional(kind: str) -> str:
    """Return the annotation of a value that may be None."""
    return kind if kind == "Any" or kind.startswith("Optional[") else f"Optional[{kind}]"


if __name__ == "__main__":
    main()
