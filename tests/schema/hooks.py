"""Hooks of schemathesis: fields that are images, paths of existing images, and activity during an event stream.

They run inside schemathesis and read two environment variables: FOOOCUS_API_SCHEMA_KEY, a key with all scopes or "", and
FOOOCUS_API_SCHEMA_OUTPUT, the path of an image below /outputs/.
"""

from __future__ import annotations

import base64
import io
import os
import threading
from typing import Any

import requests
import schemathesis
from hypothesis import strategies as st
from PIL import Image
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.core.parameters import ParameterLocation
from schemathesis.openapi.checks import IgnoredAuth

KEY = os.environ["FOOOCUS_API_SCHEMA_KEY"]
DATE, FILE_NAME = os.environ["FOOOCUS_API_SCHEMA_OUTPUT"].split("/")
FORMAT = "picture"
FIELDS = frozenset(
    {
        *(
            "image",
            "cn_img",
            "uov_input_image",
            "inpaint_input_image",
            "inpaint_mask_image_upload",
            "enhance_input_image",
        ),
        *("init_images", "mask", "data", "images", "image_url", "input_image", "input_mask"),  # of the compatible APIs
    }
)
"""Names of fields that are the text of an image, or a list of such texts."""
OTHER_TYPE = ("Incorrect type", "violates `type`")
"""Words with which schemathesis reports an accepted value of another type."""
TINY = {"prompt": "a lighthouse", "async_process": True, "overwrite_step": 3}


def _file(image_format: str, size: tuple[int, int], colour: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, image_format)
    return buffer.getvalue()


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


FILES = {
    "image/png": _file("PNG", (64, 48), "white"),  # also good as a mask
    "image/jpeg": _file("JPEG", (32, 64), "green"),
    "image/webp": _file("WEBP", (1, 1), "black"),
}
TEXTS = [
    _text(FILES["image/png"]),
    *(f"data:{kind};base64,{_text(content)}" for kind, content in FILES.items()),
    f"/outputs/{DATE}/{FILE_NAME}",
]
schemathesis.openapi.format(FORMAT, st.sampled_from(TEXTS))
for media_type, content in FILES.items():
    schemathesis.openapi.media_type(media_type, st.just(content))


@schemathesis.hook
def before_load_schema(context: Any, raw_schema: dict[str, Any]) -> None:
    """Give fields of images a format of their own: to JSON Schema they are like any text."""
    _mark(raw_schema)


def _mark(part: Any) -> None:
    if isinstance(part, list):
        for item in part:
            _mark(item)
    elif isinstance(part, dict):
        for name, field in part.get("properties", {}).items() if isinstance(part.get("properties"), dict) else ():
            if name in FIELDS:
                _mark_texts(field)
        for item in part.values():
            _mark(item)


def _mark_texts(field: dict[str, Any]) -> None:
    for kind in [field, *field.get("anyOf", [])]:
        if kind.get("type") == "string" and "format" not in kind:
            kind["format"] = FORMAT
        if "items" in kind:
            _mark_texts(kind["items"])


@schemathesis.hook.apply_to(method="GET", path="/outputs/{date}/{file_name}")  # type: ignore[attr-defined, untyped-decorator]
def before_generate_case(context: Any, strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Let half of the paths lead to an image, and leave out what can't go together with `size`."""
    return st.builds(_at_an_image, strategy, st.booleans())


def _at_an_image(case: Any, there: bool) -> Any:
    path = case.meta.components.get(ParameterLocation.PATH) if case.meta else None
    if there and (path is None or path.mode.is_positive):
        case.path_parameters = {"date": DATE, "file_name": FILE_NAME}
    query = case.meta.components.get(ParameterLocation.QUERY) if case.meta else None
    if "size" in (case.query or {}) and (query is None or query.mode.is_positive):
        case.query = {name: value for name, value in case.query.items() if name not in ("width", "height")}
    return case


KINDS = [
    None,
    None,
    "image/png",
    "image/jpeg",
    "image/webp",
    "application/json",
    "image/png, image/*;q=0.5",
    "text/html",
    "application/json, text/event-stream",
]


@schemathesis.hook.apply_to(path=["/v1/engine/generate/", "/outputs/{date}/{file_name}", "/inputs/{file_name}", "/mcp"])  # type: ignore[attr-defined, untyped-decorator]
def flatmap_headers(context: Any, headers: dict[str, Any] | None) -> st.SearchStrategy[Any]:
    """Add `Accept`, which decides on the form of the answer and is not a parameter in OpenAPI."""
    return st.sampled_from(KINDS).map(lambda kind: headers if kind is None else {**(headers or {}), "Accept": kind})


@schemathesis.hook
def filter_failure(context: Any, failure: Failure, case: Any, response: Any) -> bool:
    """Ignore lenient types: for existing clients the API reads `"1"` as 1, `true` as 1 and `"yes"` as true. Take the refusal of
    too many wrong keys for a refusal of the key.
    """
    lenient = isinstance(failure, AcceptedNegativeData) and any(said in failure.message for said in OTHER_TYPE)
    return not (lenient or (isinstance(failure, IgnoredAuth) and "`429 " in failure.message))


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Submit a task a moment after an event stream is requested, and delete no model that a list has named."""
    if case.method == "DELETE" and case.operation.path == "/v1/engine/model-files/{folder}/{name}":
        case.path_parameters = {**case.path_parameters, "name": "none.safetensors"}
    if case.operation.path.endswith("/events"):
        threading.Timer(0.05, _draw, [f"{case.operation.base_url.rstrip('/')}/v1/engine/generate/"]).start()


def _draw(url: str) -> None:
    requests.post(url, json=TINY, headers={"X-API-KEY": KEY} if KEY else {}, timeout=20)
