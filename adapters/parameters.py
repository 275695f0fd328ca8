"""A request by name ↔ the host's positional list."""

from __future__ import annotations

import importlib
import random
import re
import sys
from pathlib import Path
from typing import Any

from ..tasks.engine import ParameterError
from .signature import UnknownSignature, read_signature

HOST_NAMES = {
    "image_seed": "seed",
    "guidance_scale": "cfg_scale",
}
"""Names on the wire that the host calls otherwise; all others are the same."""

WIRE_NAMES = {host: wire for wire, host in HOST_NAMES.items()}
LORA_FIELDS = ("enabled", "model_name", "weight")


class ArgumentOrder:
    """The names of AsyncTask's arguments in order, and the value the WebUI would give each if nobody touched it."""

    def __init__(self, names: list[str], defaults: list[Any], max_seed: int) -> None:
        """
        Raises:
            UnknownSignature: there are more or fewer names than defaults.
        """
        if len(names) != len(defaults):
            raise UnknownSignature(
                f"AsyncTask takes {len(names)} arguments, but the WebUI has {len(defaults)} controls for them"
            )
        self.names = names
        self._position = {name: position for position, name in enumerate(names)}
        self._defaults = defaults
        self._max_seed = max_seed
        self.lora_count = sum(name.startswith("loras[") and name.endswith("].0") for name in names)

    def default(self, wire_name: str) -> Any:
        """The WebUI's value for a field of the wire, None when the host has no such argument."""
        if wire_name == "loras":
            return [dict(zip(LORA_FIELDS, group, strict=True)) for group in self._lora_defaults()]
        position = self._position.get(HOST_NAMES.get(wire_name, wire_name))
        return None if position is None else _as_on_wire(wire_name, self._defaults[position])

    def positional(self, parameters: dict[str, Any]) -> list[Any]:
        """A new list for AsyncTask's constructor, which empties it.

        Args:
            parameters: values by their names on the wire. What the host has no argument for is passed over.

        Raises:
            ParameterError: there are more LoRAs than the host has places for.
        """
        values = list(self._defaults)
        for wire_name, value in self._converted(parameters).items():
            position = self._position.get(HOST_NAMES.get(wire_name, wire_name))
            if position is not None:
                values[position] = value
        if (loras := parameters.get("loras")) is not None:
            self._place_loras(values, loras)
        return values

    def named(self, values: list[Any]) -> dict[str, Any]:
        """Parameters by their names on the wire from a positional list, as far as they are plain values."""
        known = {WIRE_NAMES.get(name, name): value for name, value in zip(self.names, values, strict=False)}
        plain = {name: value for name, value in known.items() if "[" not in name and _is_plain(value)}
        groups = [[known.get(f"loras[{index}].{part}") for part in range(3)] for index in range(self.lora_count)]
        return {**plain, "loras": [dict(zip(LORA_FIELDS, group, strict=True)) for group in groups]}

    def _converted(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """The few values that the host writes otherwise."""
        values = dict(parameters)
        if "image_seed" in values and int(values["image_seed"]) < 0:
            values["image_seed"] = random.randint(0, self._max_seed)
        if values.get("output_format") == "jpg":
            values["output_format"] = "jpeg"
        if "aspect_ratios_selection" in values:
            values["aspect_ratios_selection"] = str(values["aspect_ratios_selection"]).replace("*", "×")
        values["input_image_checkbox"] = False
        return values

    def _place_loras(self, values: list[Any], loras: list[dict[str, Any]]) -> None:
        if len(loras) > self.lora_count:
            raise ParameterError(f"loras: {len(loras)} given, this Fooocus takes {self.lora_count}")
        for index in range(self.lora_count):
            lora = loras[index] if index < len(loras) else {"enabled": False, "model_name": "None", "weight": 1.0}
            for part, name in enumerate(LORA_FIELDS):
                values[self._position[f"loras[{index}].{part}"]] = lora[name]

    def _lora_defaults(self) -> list[list[Any]]:
        return [
            [self._defaults[self._position[f"loras[{index}].{part}"]] for part in range(3)]
            for index in range(self.lora_count)
        ]


def read_arguments(checkout: Path) -> ArgumentOrder:
    """The argument order of the running host, with the WebUI's controls for defaults. Needs the WebUI to be built.

    Raises:
        UnknownSignature: the order can't be read, or does not fit the controls.
    """
    source = (checkout / "modules" / "async_worker.py").read_text(encoding="utf-8")
    names = read_signature(source).resolve()
    controls = sys.modules["webui"].ctrls
    constants = importlib.import_module("modules.constants")
    return ArgumentOrder(names, [control.value for control in controls[1:]], constants.MAX_SEED)


def _as_on_wire(wire_name: str, value: Any) -> Any:
    """The WebUI shows an aspect ratio as `1152×896` and some markup."""
    if wire_name == "aspect_ratios_selection":
        sides = re.findall(r"\d+", str(value))[:2]
        return "*".join(sides) if len(sides) == 2 else None
    return value


def _is_plain(value: Any) -> bool:
    return (
        value is None
        or isinstance(value, bool | int | float | str)
        or (isinstance(value, list) and all(isinstance(item, str) for item in value))
    )
