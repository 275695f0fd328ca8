"""Builds the request model for the running host, with its defaults, bounds, choices and extra arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from annotated_types import Ge, Le
from pydantic import BaseModel, Field, TypeAdapter, ValidationError, create_model
from pydantic.fields import FieldInfo

from ...tasks.ports.host_arguments import Bounds, HostField
from ..context import Context
from .generate import CommonRequest
from .items import EnhanceControl, ImagePrompt, Lora

M = TypeVar("M", bound=BaseModel)
ITEMS: dict[str, type[BaseModel]] = {"loras": Lora, "controlnet_image": ImagePrompt, "enhance_ctrls": EnhanceControl}
"""List field → the model of its items."""
BOUNDED_LISTS = ("loras", "enhance_ctrls")
"""Lists of which the host applies a number of items. Of `controlnet_image` only those with an image count."""


def request_model(context: Context) -> type[CommonRequest]:
    """Return CommonRequest with the running host's defaults and bounds; its schema lists the values the host allows now.

    The bounds are widened to include the host's defaults and ranges, and never narrowed.
    """
    fields: dict[str, Any] = {}
    for name, field in CommonRequest.model_fields.items():
        default = None if name in CommonRequest.FIXED else context.host.arguments.default(name)
        bounds = _widened(field, context.host.arguments.bounds(name, None), default)
        changed = _changed(field, default, bounds, CommonRequest.CATALOGS.get(name), context)
        if changed is not None:
            fields[name] = (field.annotation, changed)
    for name, item in ITEMS.items():
        _set_items(fields, name, item, context)
    for name, extra in extra_fields(context).items():
        fields[name] = _host_field(extra)
    return create_model("CommonRequest", __base__=CommonRequest, __doc__=CommonRequest.__doc__, **fields)


def extra_fields(context: Context) -> dict[str, HostField]:
    """Return the host's own arguments by name, without those whose name a pydantic field can't have."""
    found = context.host.arguments.extra_fields(set(CommonRequest.model_fields))
    return {name: field for name, field in found.items() if not hasattr(BaseModel, name)}


def host_values(model: type[CommonRequest], values: dict[str, Any]) -> dict[str, Any]:
    """Return a preset's values converted to the types of the model's fields, without a check of bounds.

    Values that can't be converted are skipped, as in the WebUI.
    """
    converted: dict[str, Any] = {}
    for name, value in values.items():
        if name == "loras":
            converted[name] = lora_items(model, value)
            continue
        try:
            kind: Any = model.model_fields[name].annotation
            converted[name] = TypeAdapter(kind).validate_python(value)
        except ValidationError:
            continue
    return converted


def lora_items(model: type[CommonRequest], items: list[dict[str, Any]]) -> list[Lora]:
    """Return the host's LoRAs as items of the model's `loras`, without a check of their weights."""
    (item,) = model.model_fields["loras"].annotation.__args__  # type: ignore[union-attr]
    return [_unchecked(item, values) for values in items]


def _unchecked(model: type[M], values: dict[str, Any]) -> M:
    return model.model_construct(**values)


def _set_items(fields: dict[str, Any], name: str, item: type[BaseModel], context: Context) -> None:
    """Set a list field, with the host's bounds for its items and the host's default."""
    field = CommonRequest.model_fields[name]
    default = None if name in CommonRequest.FIXED else context.host.arguments.default(name)
    changed: dict[str, Any] = {}
    for key, own in item.model_fields.items():
        given = [values[key] for values in default or () if key in values]
        bounds = _widened(own, context.host.arguments.bounds(name, key), *given)
        if bounds is not None:
            changed[key] = (own.annotation, _with_bounds(own, own.default, bounds))
    model = create_model(item.__name__, __base__=item, __doc__=item.__doc__, **changed)
    merged = FieldInfo.merge_field_infos(field)
    if name in BOUNDED_LISTS and (most := context.host.arguments.list_sizes().get(name)) is not None:
        merged.json_schema_extra = {"maxItems": most}
    if default is not None:
        merged.default = [_unchecked(model, values) for values in default]
    fields[name] = (list[model], merged)  # type: ignore[valid-type]


def _changed(field: FieldInfo, default: Any, bounds: Bounds | None, catalog: str | None, context: Context) -> Any:
    """Return the field with the host's default, bounds and choices, None if nothing differs from CommonRequest."""
    if default is None and bounds is None and catalog is None:
        return None
    if bounds is not None:
        return _with_bounds(field, field.default if default is None else default, bounds)
    changed = FieldInfo.merge_field_infos(field)
    if default is not None:
        changed.default = default
    if catalog is not None:
        changed.json_schema_extra = _allowed(context, catalog)
    return changed


def _widened(field: FieldInfo, host: Bounds, *defaults: Any) -> Bounds | None:
    """Return the field's bounds, widened by the host's and the defaults, None if that changes nothing."""
    own = _bounds_of(field)
    if own == Bounds():
        return None
    numbers = [value for value in defaults if isinstance(value, int | float) and not isinstance(value, bool)]
    low = own.minimum
    if low is not None:
        low = min([low, *numbers, *([] if host.minimum is None else [host.minimum])])
    high = own.maximum
    if high is not None:
        high = max([high, *numbers, *([] if host.maximum is None else [host.maximum])])
    widened = Bounds(low, high)
    return None if widened == own else widened


def _bounds_of(field: FieldInfo) -> Bounds:
    low = next((rule.ge for rule in field.metadata if isinstance(rule, Ge)), None)
    high = next((rule.le for rule in field.metadata if isinstance(rule, Le)), None)
    return Bounds(low, high)  # type: ignore[arg-type]  # annotated-types types them as any comparable


def _with_bounds(field: FieldInfo, default: Any, bounds: Bounds) -> Any:
    """Return a new field with these bounds, as pydantic can't change the bounds of an existing one."""
    return Field(
        default=default,
        ge=bounds.minimum,
        le=bounds.maximum,
        description=field.description,
        json_schema_extra=field.json_schema_extra,
    )


def _host_field(extra: HostField) -> tuple[Any, Any]:
    """Return the type and the field of one of the host's own arguments."""
    kind: Any = list[extra.kind] if extra.several else extra.kind  # type: ignore[name-defined]
    if extra.default is None:
        kind = kind | None
    bounds = _including(extra.bounds, extra.default)
    description = "An argument that only this Fooocus has"
    label = extra.label.rstrip(" .:")
    field = Field(
        default=extra.default,
        ge=bounds.minimum,
        le=bounds.maximum,
        description=f"{description}: {label}." if label else f"{description}.",
        json_schema_extra=_offered(extra),
    )
    return kind, field


def _including(bounds: Bounds, default: Any) -> Bounds:
    if not isinstance(default, int | float) or isinstance(default, bool):
        return Bounds()
    low = None if bounds.minimum is None else min(bounds.minimum, default)
    return Bounds(low, None if bounds.maximum is None else max(bounds.maximum, default))


def _offered(extra: HostField) -> Callable[[dict[str, Any]], None]:
    def add(schema: dict[str, Any]) -> None:
        target = schema.get("items", schema)
        if extra.choices is not None:
            target["enum"] = [*extra.choices(), *([None] if extra.default is None and not extra.several else [])]
        elif extra.suggestions:
            target["examples"] = list(extra.suggestions)

    return add


def _allowed(context: Context, catalog: str) -> Callable[[dict[str, Any]], None]:
    def add(schema: dict[str, Any]) -> None:
        target = schema.get("items", schema)
        target["enum"] = context.host.catalog.names(catalog)

    return add
