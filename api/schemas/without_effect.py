"""FooocusAPI's fields that have no effect: accepted with any value, and marked as deprecated in the schema."""

from __future__ import annotations

from typing import Any

WITHOUT_EFFECT: dict[str, dict[str, Any]] = {
    "input_image_checkbox": {"type": "boolean", "default": False},
    "current_tab": {"type": "string", "default": "uov"},
    "inpaint_advanced_masking_checkbox": {"type": "boolean", "default": False},
    "inpaint_mask_upload_checkbox": {"type": "boolean", "default": False},
    "invert_mask_checkbox": {"type": "boolean", "default": False},
}
"""Field → its JSON Schema."""
_OFF = frozenset({"", "0", "false", "no", "none", "off"})
_ON = frozenset({"1", "on", "true", "yes"})
QUIET_VALUES: dict[str, frozenset[str]] = {
    "input_image_checkbox": _OFF | _ON,
    "current_tab": frozenset(),
    "inpaint_advanced_masking_checkbox": _OFF,
    "inpaint_mask_upload_checkbox": _OFF | _ON,
    "invert_mask_checkbox": _OFF,
}
"""Field → values in lower case that match what happens anyway, such as FooocusAPI's default; not reported as ignored."""


def add_fields_without_effect(schema: dict[str, Any]) -> None:
    """Add the fields to the schema only: the model accepts them as unknown fields, with any value."""
    for name, described in WITHOUT_EFFECT.items():
        text = "Ignored; accepted for FooocusAPI's clients. The given images determine the mode."
        schema["properties"][name] = {**described, "deprecated": True, "description": text}
