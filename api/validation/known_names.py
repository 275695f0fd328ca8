"""Checks names in a request against the checkout's: models, styles, samplers and the like."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import PurePath
from typing import Any

from pydantic import BaseModel

from ...asgi.error_codes import FieldErrorCode
from ...asgi.problem import shortened
from ...tasks.model.workload.model_files import CASE_MATTERS, is_one_of, listed_as
from ..context import Catalog, Context, Names
from ..responses.problems import FieldError
from ..schemas.generate import CommonRequest
from ..schemas.host_request import extra_fields
from ..schemas.items import EnhanceControl
from .nearest_names import unknown
from .webui_names import sampler_and_scheduler

FILES = frozenset({"models", "refiners", "loras", "vaes", "presets"})
"""Catalogs that list the files in folders, so a new file extends them."""
FILE_FIELDS = {"base_model_name": "models", "refiner_model_name": "refiners", "vae_name": "vaes"}
MAX_NEAR = 5

_refreshed: ContextVar[list[bool] | None] = ContextVar("refreshed", default=None)
"""One item once the folders were read for the current request, or for the current batch of them."""


@contextmanager
def one_refresh() -> Iterator[None]:
    """Have `refresh_once` read the folders at most once within the block: a request may have a hundred unknown names."""
    if _refreshed.get() is not None:
        yield  # within a larger block
        return
    token = _refreshed.set([])
    try:
        yield
    finally:
        _refreshed.reset(token)


def refresh_once(catalog: Names) -> None:
    """Read the folders of the catalog's files again, as a file may be new, unless that was done for the same request."""
    done = _refreshed.get()
    if done is None:
        catalog.refresh()
    elif not done:
        catalog.refresh()
        done.append(True)


def with_listed_names(request: CommonRequest, context: Context) -> CommonRequest:
    """Return the request with file names in the checkout's spelling, for any notation of their folders."""
    listed = ListedNames(context.host.catalog)
    change: dict[str, Any] = {}
    for field, kind in FILE_FIELDS.items():
        change[field] = listed(kind, getattr(request, field))
    change["loras"] = [
        lora.model_copy(update={"model_name": listed("loras", lora.model_name)}) for lora in request.loras
    ]
    if own := request.model_fields_set - set(CommonRequest.model_fields):
        change.update(_listed_choices(request, own, context))
    changed = {field: value for field, value in change.items() if value != getattr(request, field)}
    return request.model_copy(update=changed) if changed else request


def _listed_choices(request: CommonRequest, names: Collection[str], context: Context) -> Iterator[tuple[str, str]]:
    """Yield name and value of the host's own arguments that are files, in their controls' spelling."""
    for name, field in extra_fields(context).items():
        value = getattr(request, name) if name in names else None
        if isinstance(value, str) and field.choices is not None:
            found = listed_as(value, [one for one in field.choices() if isinstance(one, str)])
            if found is not None:
                yield name, found


def unknown_names(request: CommonRequest, catalog: Catalog, coming: Collection[PurePath] = ()) -> Iterator[FieldError]:
    """Yield an error for each name that the checkout does not know.

    Args:
        coming: model files that will be downloaded before the task starts.
    """
    for field, kind, name in _names(request):
        if kind in FILES and is_one_of(name, coming):
            continue
        yield from _unknown_name(field, name, kind, catalog)


def without_missing_loras(request: CommonRequest, context: Context, coming: Collection[PurePath] = ()) -> CommonRequest:
    """Return the request without the default LoRAs of the host's configuration whose files are missing: Fooocus skips them, too.

    A LoRA that only the client names is checked like any other name.
    """
    default = type(request).model_fields["loras"].get_default(call_default_factory=True)
    kept = [
        lora
        for lora in request.loras
        if lora not in default
        or is_one_of(lora.model_name, coming)
        or _is_known("loras", lora.model_name, context.host.catalog)
    ]
    return request if len(kept) == len(request.loras) else request.model_copy(update={"loras": kept})


def known_values(values: dict[str, Any], catalog: Catalog, coming: Collection[PurePath]) -> dict[str, Any]:
    """Return a preset's values without names that this checkout does not know, as its WebUI skips them, too.

    Checkpoints remain, so that validation reports a missing file.
    """
    kept: dict[str, Any] = {}
    for field, value in values.items():
        kind = "loras" if field == "loras" else CommonRequest.CATALOGS.get(field)
        if kind is None or field in ("base_model_name", "refiner_model_name"):
            kept[field] = value
        elif field == "loras":
            kept[field] = [
                lora
                for lora in value
                if is_one_of(lora.model_name, coming) or _is_known(kind, lora.model_name, catalog)
            ]
        elif isinstance(value, list):
            kept[field] = [name for name in value if _is_known(kind, name, catalog)]
        elif is_one_of(value, coming) or _is_known(kind, value, catalog):
            kept[field] = value
    return kept


def _is_known(kind: str, name: str, catalog: Catalog) -> bool:
    if kind in FILES and listed_as(name, catalog.names(kind)) is not None:
        return True
    return not any(True for _ in _unknown_name("", name, kind, catalog))


class ListedNames:
    """Maps file names to the checkout's spelling; re-reads the folders at most once per request."""

    def __init__(self, catalog: Names) -> None:
        self._catalog = catalog
        self._refreshed = False

    def __call__(self, kind: str, name: str) -> str:
        if CASE_MATTERS and "/" not in name and "\\" not in name:
            return name
        found = listed_as(name, self._catalog.names(kind))
        if found is None and not self._refreshed:
            refresh_once(self._catalog)
            self._refreshed = True
            found = listed_as(name, self._catalog.names(kind))
        return name if found is None else found


def _names(request: CommonRequest) -> Iterator[tuple[str, str, str]]:
    """Yield the path of each field with a name, the catalog that must contain the name, and the name."""
    yield from _names_in(request, CommonRequest.CATALOGS, "")
    for index, lora in enumerate(request.loras):
        yield f"loras[{index}].model_name", "loras", lora.model_name
    for index, image in enumerate(request.controlnet_image):
        if image.cn_img is not None:
            yield f"controlnet_image[{index}].cn_type", "control_types", image.cn_type
    for index, control in enumerate(request.enhance_ctrls):
        if control.enhance_enabled:
            yield from _names_in(control, EnhanceControl.CATALOGS, f"enhance_ctrls[{index}].")


def _names_in(model: BaseModel, catalogs: dict[str, str], path: str) -> Iterator[tuple[str, str, str]]:
    for field, kind in catalogs.items():
        value = getattr(model, field)
        if isinstance(value, list):
            yield from ((f"{path}{field}[{index}]", kind, name) for index, name in enumerate(value))
        else:
            yield f"{path}{field}", kind, value


def _unknown_name(field: str, name: str, kind: str, catalog: Catalog) -> Iterator[FieldError]:
    known = catalog.names(kind)
    if _as_listed(kind, name) in known:
        return
    if kind in FILES:
        refresh_once(catalog)
        known = catalog.names(kind)
        if name in known:
            return
    message = unknown(kind, name)
    allowed = nearest_names(name, known)
    if advise := ADVICE.get(kind):
        message, allowed = advise(name, message, allowed, catalog)
    yield FieldError(field=field, code=FieldErrorCode.UNKNOWN_VALUE, message=message, allowed=allowed)


def nearest_names(name: str, known: Sequence[str]) -> list[str]:
    """Return up to `MAX_NEAR` known names that are most similar to this one, best first."""
    wanted = _comparable(shortened(name))
    by_name: dict[str, list[str]] = {}
    for candidate in known:
        by_name.setdefault(_comparable(candidate), []).append(candidate)
    close = difflib.get_close_matches(wanted, by_name, n=MAX_NEAR, cutoff=0.4)
    close = close or difflib.get_close_matches(wanted, by_name, n=MAX_NEAR, cutoff=0.0)
    return [candidate for one in close for candidate in by_name[one]][:MAX_NEAR] or list(known[:MAX_NEAR])


def _comparable(name: str) -> str:
    return re.sub(r"[\W_]+", " ", name.casefold()).strip()


def _advise_sampler(name: str, message: str, allowed: list[str], catalog: Catalog) -> tuple[str, list[str]]:
    """Add the host's names for a sampler to the message if the name is A1111's."""
    sampler, scheduler = sampler_and_scheduler(name, catalog.names("samplers"), catalog.names("schedulers"))
    if sampler is None:
        return message, allowed
    with_scheduler = f" with scheduler_name {scheduler}" if scheduler else ""
    return f"{message}; use {sampler}{with_scheduler}", list(dict.fromkeys([sampler, *allowed]))[:MAX_NEAR]


def _advise_scheduler(name: str, message: str, allowed: list[str], catalog: Catalog) -> tuple[str, list[str]]:
    _, scheduler = sampler_and_scheduler(f"euler {name}", ["euler"], catalog.names("schedulers"))
    if scheduler is None:
        return message, allowed
    return f"{message}; use {scheduler}", list(dict.fromkeys([scheduler, *allowed]))[:MAX_NEAR]


ADVICE: dict[str, Callable[[str, str, list[str], Catalog], tuple[str, list[str]]]] = {
    "samplers": _advise_sampler,
    "schedulers": _advise_scheduler,
}


def _as_listed(kind: str, name: str) -> str:
    """Return the checkout's spelling for another spelling of a name."""
    if kind == "aspect_ratios":
        return name.replace("×", "*")
    if kind == "metadata_schemes" and name == "a111":
        return "a1111"
    if kind in ("uov_methods", "enhance_uov_methods") and name.lower() in ("disable", "disabled"):
        return "Disabled"
    return "jpeg" if kind == "output_formats" and name == "jpg" else name
