"""Writes the pages of all request parameters, in both languages, from the API's schema: `python docs/write_parameters.py [URL]`.

It also writes the dashboard's table of the Chinese descriptions.

URL is that of the demo, `http://127.0.0.1:7865` by default. `parameters.json` has what the schema lacks: the pages' first
paragraphs, the place and the name of each field in the WebUI, examples, and the Chinese of each description.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, cast
from urllib.request import urlopen

DOCS = Path(__file__).resolve().parent
TABLE = DOCS / "parameters.json"
DESCRIPTIONS = DOCS.parent / "dashboard" / "assets" / "i18n" / "descriptions.js"
REQUEST = "CommonRequest"
OF_THE_HOST = {
    "aspect_ratios_selection",
    "base_model_name",
    "loras",
    "model_name",
    "preset",
    "refiner_model_name",
    "style_selections",
    "vae_name",
}
"""Fields whose values each Fooocus has of its own."""
MAX_LISTED = 30
"""Values of a list that a page shows."""
Schema = dict[str, Any]

MODULE_HEAD = """/**
 * Chinese descriptions of a request's fields, by the English ones of the schema. Written by docs/write_parameters.py.
 * @module
 */

/** @type {Record<string, string>} */
"""
WORDS = {
    "en": {
        "head": "| Field | In the WebUI | Values | Description |",
        "member": "`{of}[…]` has these members:",
        "boolean": "`true` or `false`",
        "image": "an image",
        "object": "an object",
        "item": "an object ([{heading}](#{anchor}))",
        "host": "a name of your Fooocus",
        "list": "list of: {of}",
        "text": "text, up to {most} characters",
        "free": "text",
        "range": "{least} to {most}",
        "whole": "whole number, {least} to {most}",
        "example": "{values}, such as {example}",
        "default": "{values} (default: {default})",
    },
    "zh": {
        "head": "| 字段 | WebUI 中的名称 | 取值 | 说明 |",
        "member": "`{of}[…]` 的成员：",
        "boolean": "`true` 或 `false`",
        "image": "图像",
        "object": "对象",
        "item": "对象（[{heading}](#{anchor})）",
        "host": "你的 Fooocus 里的名称",
        "list": "列表：{of}",
        "text": "文本，最多 {most} 个字符",
        "free": "文本",
        "range": "{least} 到 {most}",
        "whole": "整数，{least} 到 {most}",
        "example": "{values}，例如 {example}",
        "default": "{values}（默认 {default}）",
    },
}


def page(schema: Schema, language: str) -> str:
    """Return the page in `en` or `zh`, from the schema that `/v1/openapi.json` of the demo returns.

    Raises:
        KeyError: a field or a description is missing in `parameters.json`, or one there is not in the schema.
    """
    table = json.loads(TABLE.read_text("utf-8"))
    schemas = schema["components"]["schemas"]
    _require_all(schemas, table)
    words = WORDS[language]
    parts = ["\n".join(table["heads"][language])]
    for group in table["groups"]:
        parts.append(f"## {group[language]}\n\n{_rows(schemas[REQUEST], group['fields'], table, language)}")
    for item in table["items"]:
        member = words["member"].format(of=item["of"])
        rows = _rows(schemas[item["schema"]], item["fields"], table, language)
        parts.append(f"## {item[language]}\n\n{member}\n\n{rows}")
    return "\n".join(parts)


def descriptions() -> str:
    """Return the dashboard's module of the Chinese descriptions, by the English ones of the schema."""
    texts = json.loads(TABLE.read_text("utf-8"))["texts"]
    rows = [f"  {json.dumps(text)}:\n    {json.dumps(texts[text], ensure_ascii=False)},\n" for text in texts]
    return f"{MODULE_HEAD}export default {{\n{''.join(rows)}}};\n"


def _require_all(schemas: Schema, table: Schema) -> None:
    """Check that the table has the fields and the descriptions of the schema, and no others."""
    listed = {REQUEST: {name for group in table["groups"] for name in group["fields"]}}
    listed |= {item["schema"]: set(item["fields"]) for item in table["items"]}
    said: set[str] = set()
    for name, fields in listed.items():
        differing = fields ^ set(schemas[name]["properties"])
        if differing:
            raise KeyError(
                f"{TABLE.name} and the schema differ in {sorted(differing)} of {name}; change its lists of fields"
            )
        said |= {field["description"] for field in schemas[name]["properties"].values()}
    differing = said ^ set(table["texts"])
    if differing:
        raise KeyError(
            f"{TABLE.name} and the schema differ in the texts {sorted(differing)}; give each its Chinese there"
        )


def _rows(described: Schema, fields: dict[str, list[str]], table: Schema, language: str) -> str:
    lines = [WORDS[language]["head"], "|---|---|---|---|"]
    for name, labels in fields.items():
        field = described["properties"][name]
        text = field["description"] if language == "en" else table["texts"][field["description"]]
        label = labels[0 if language == "en" else 1]
        lines.append(f"| `{name}` | {label} | {_values(name, field, table, language)} | {text} |")
    return "\n".join(lines) + "\n"


def _values(name: str, field: Schema, table: Schema, language: str) -> str:
    """Return the type of a field with its range, list or example, and its default."""
    words = WORDS[language]
    values = words["host"] if name in OF_THE_HOST else _kind(field, words)
    headings = [item[language] for item in table["items"] if item["of"] == name]
    if headings:
        link = words["item"].format(heading=headings[0], anchor=headings[0].lower().replace(" ", "-"))
        values = words["list"].format(of=link)
    elif name in OF_THE_HOST and field.get("type") == "array":
        values = words["list"].format(of=words["host"])
    if name in table["examples"]:
        values = words["example"].format(values=values, example=f"`{json.dumps(table['examples'][name])}`")
    default = field.get("default")
    if name in OF_THE_HOST - {"model_name", "preset", "refiner_model_name", "style_selections", "vae_name"}:
        return values
    if default is None or default == "" or default == {}:
        return values
    return words["default"].format(values=values, default=f"`{json.dumps(default, ensure_ascii=False)}`")


def _kind(field: Schema, words: dict[str, str]) -> str:
    if "enum" in field and len(field["enum"]) <= MAX_LISTED:
        return ", ".join(f"`{value}`" for value in field["enum"])
    alternatives = [one for one in field.get("anyOf", []) if one.get("type") not in (None, "null")]
    if alternatives:
        return words["image"] if alternatives[0]["type"] == "string" else _kind(alternatives[0], words)
    kind = cast(str | None, field.get("type"))
    if kind == "array":
        items = field["items"]
        return words["list"].format(of=words["object"] if "$ref" in items else _kind(items, words))
    if kind in ("integer", "number"):
        form = words["whole" if kind == "integer" else "range"]
        return form.format(least=_number(field["minimum"]), most=_number(field["maximum"]))
    if kind == "string":
        return words["text"].format(most=field["maxLength"]) if "maxLength" in field else words["free"]
    return words["boolean"] if kind == "boolean" else words["object"]


def _number(value: float) -> str:
    """Return a limit; the largest one is the float nearest to 2⁶³ - 1."""
    if value >= 2**63:
        return str(2**63 - 1)
    return f"{value:g}"


if __name__ == "__main__":
    url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:7865"
    with urlopen(f"{url}/v1/openapi.json") as answer:  # nosec B310  # the address that the caller names
        described = json.load(answer)
    for code, file in (("en", "parameters.md"), ("zh", "parameters_zh.md")):
        (DOCS / file).write_text(page(described, code), "utf-8", newline="\n")
    DESCRIPTIONS.write_text(descriptions(), "utf-8", newline="\n")
