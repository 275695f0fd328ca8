"""The host names that the extension uses or patches, and a check of a checkout for each. Stdlib only; imports no host code."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path


@dataclass(frozen=True)
class PatchPoint:
    """A name in a host module, and its purpose. Checked on Fooocus 2.5.0 to 2.5.5 and mashb1t/Fooocus 2.6.5."""

    module: str
    name: str
    why: str


@dataclass(frozen=True)
class Finding:
    """Result of the check of one patch point in a checkout."""

    module: str
    name: str
    why: str
    found: bool
    detail: str


@dataclass(frozen=True)
class HostModule:
    """A module of the host, and the names in it that the extension patches or uses, each with its purpose."""

    name: str
    uses: Mapping[str, str]


ARGS_PARSER = HostModule(
    "ldm_patched.modules.args_parser", {"parser": "the launch flags of the extension are added to it"}
)
ASYNC_WORKER = HostModule(
    "modules.async_worker",
    {
        "AsyncTask": "tasks are built with it",
        "async_tasks": "the queue, replaced by one that reports when tasks are added and removed",
        "worker": "started again should its thread ever die",
    },
)
PRIVATE_LOGGER = HostModule(
    "modules.private_logger",
    {
        "log": "wrapped to learn of every saved image",
        "log_cache": "replaced so that an image's log entry costs no more at the end of a day",
        "Image": "replaced to save images off the worker's thread",
        "generate_temp_filename": "wrapped to give images their `save_name`",
    },
)
CORE = HostModule(
    "modules.core",
    {
        "encode_vae": "wrapped to record and restore the random state at a task's first encoding",
        "encode_vae_inpaint": "wrapped to record and restore the random state at a task's first encoding",
        "torch": "has the random generator that these use",
    },
)
UTIL = HostModule(
    "modules.util",
    {
        "get_shape_ceil": "wrapped to upscale by any factor",
        "resample_image": "wrapped to upscale by any factor",
    },
)
GRADIO_ROUTES = HostModule("gradio.routes", {"App.create_app": "wrapped to put the API in front of the WebUI"})
GRADIO_NETWORKING = HostModule(
    "gradio.networking",
    {
        "start_server": "wrapped to learn the WebUI's address",
        "setup_tunnel": "wrapped to learn the address of --share",
        "Server.close": "wrapped to end streams before the server",
    },
)
GRADIO_BLOCKS = HostModule("gradio.blocks", {"Blocks.launch": "wrapped to start the API when the WebUI starts"})

HOST_MODULES = (
    ARGS_PARSER,
    HostModule("args_manager", {"args": "the parsed launch flags are read from it"}),
    ASYNC_WORKER,
    PRIVATE_LOGGER,
    UTIL,
    CORE,
    HostModule("modules.config", {"path_outputs": "where images are"}),
    HostModule("modules.sdxl_styles", {"apply_style": "shows what styles make of a prompt"}),
    HostModule("extras.expansion", {"safe_str": "shows the lines of a prompt", "FooocusExpansion": "expands a prompt"}),
    HostModule("ldm_patched.modules.model_management", {"interrupt_current_processing": "stops and skips a task"}),
    HostModule("extras.interrogate", {"default_interrogator": "describes a photo"}),
    HostModule("extras.wd14tagger", {"default_interrogator": "describes an anime picture"}),
    HostModule(
        "extras.inpaint_mask",
        {"generate_mask_from_image": "makes a mask", "SAMOptions": "says what the mask is to show"},
    ),
    HostModule("shared", {"gradio_root": "the WebUI"}),
    HostModule("webui", {"ctrls": "the WebUI's controls: the defaults of every argument"}),
    GRADIO_ROUTES,
    GRADIO_NETWORKING,
    GRADIO_BLOCKS,
)
"""The one list: `adapters.instrumentation` patches the modules that have a name here, `/v1/info` reports them, and the installer
checks them all."""

PATCH_POINTS = tuple(PatchPoint(module.name, name, why) for module in HOST_MODULES for name, why in module.uses.items())


def inspect_checkout(checkout: Path) -> list[Finding]:
    """Check every patch point in the source of a checkout and of the installed gradio, without importing either."""
    return [_inspect(point, checkout) for point in PATCH_POINTS]


def _inspect(point: PatchPoint, checkout: Path) -> Finding:
    path = _source_of(point.module, checkout)
    if path is None or not path.is_file():
        detail = "gradio is not installed" if point.module.startswith("gradio") else "no such file"
        return Finding(point.module, point.name, point.why, False, detail)
    try:
        found = point.name in _names_in(path)
    except (SyntaxError, UnicodeDecodeError, OSError) as error:
        return Finding(point.module, point.name, point.why, False, f"{path.name}: {error}")
    return Finding(point.module, point.name, point.why, found, "" if found else f"{path.name} has no `{point.name}`")


def _source_of(module: str, checkout: Path) -> Path | None:
    top, *rest = module.split(".")
    if top != "gradio":
        return checkout.joinpath(top, *rest).with_suffix(".py")
    spec = importlib.util.find_spec(top)  # finds the package without importing it
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]).joinpath(*rest).with_suffix(".py")


@lru_cache
def _names_in(path: Path) -> frozenset[str]:
    """Return the names that a module defines at its top level (including `with` and `if` blocks), methods as `Class.method`."""
    return frozenset(_defined(ast.parse(path.read_text(encoding="utf-8")).body))


def _defined(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
            if isinstance(node, ast.ClassDef):
                yield from (f"{node.name}.{name}" for name in _defined(node.body))
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                yield ast.unparse(target).split(".")[-1]
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.With | ast.If | ast.Try):
            yield from _defined(node.body)
