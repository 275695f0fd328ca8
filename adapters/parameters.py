"""A request by name ↔ the host's positional list."""

from __future__ import annotations

import importlib
import random
import re
import sys
from pathlib import Path
from typing import Any

from ..tasks.engine import ParameterError
from ..tasks.host_field import Bounds, HostField
from .controls import Controls
from .pictures import Images, inpaint_input, outpainted, unpainted
from .signature import UnknownSignature
from .signature_reader import read_signature

HOST_NAMES = {"image_seed": "seed", "guidance_scale": "cfg_scale"}
"""Names on the wire that the host calls otherwise; all others are the same."""

WIRE_NAMES = {host: wire for wire, host in HOST_NAMES.items()}
GROUPS: dict[str, dict[str, str]] = {
    "loras": {"enabled": "loras.0", "model_name": "loras.1", "weight": "loras.2"},
    "controlnet_image": {name: name for name in ("cn_img", "cn_stop", "cn_weight", "cn_type")},
    "enhance_ctrls": {
        "enhance_mask_dino_prompt": "enhance_mask_dino_prompt_text",
        **{
            name: name
            for name in (
                "enhance_enabled",
                "enhance_prompt",
                "enhance_negative_prompt",
                "enhance_mask_model",
                "enhance_mask_cloth_category",
                "enhance_mask_sam_model",
                "enhance_mask_text_threshold",
                "enhance_mask_box_threshold",
                "enhance_mask_sam_max_detections",
                "enhance_inpaint_disable_initial_latent",
                "enhance_inpaint_engine",
                "enhance_inpaint_strength",
                "enhance_inpaint_respective_field",
                "enhance_inpaint_erode_or_dilate",
                "enhance_mask_invert",
            )
        },
    },
}
"""Lists on the wire: field of an item → the host's argument, of which there is one for each place."""

SPELLINGS = {
    "output_format": ("jpg", "jpeg"),
    "metadata_scheme": ("a111", "a1111"),
    "uov_method": ("disable", "Disabled"),
    "enhance_uov_method": ("disable", "Disabled"),
}
"""Other ways to write a value on the wire → the host's."""

MASK = "inpaint_mask_image_upload"
MANAGED = {
    "input_image_checkbox",
    "current_tab",
    "inpaint_advanced_masking_checkbox",
    "invert_mask_checkbox",
    "uov_input_image",
    "inpaint_input_image",
    "inpaint_mask_image_upload",
    "enhance_input_image",
}
"""Arguments whose value follows from the images that are given."""


LARGEST_SEED = 2**53 - 1024
"""Largest seed that is drawn here. JavaScript keeps integers below 2**53, also those of the task's further images."""


class ArgumentOrder:
    """The names of AsyncTask's arguments in order, and the value the WebUI would give each if nobody touched it."""

    def __init__(
        self, names: list[str], controls: Controls, max_seed: int, deciding: frozenset[str] = frozenset()
    ) -> None:
        """Keep the order.

        Args:
            deciding: arguments on whose value the order itself depends; they keep the WebUI's value.

        Raises:
            UnknownSignature: there are more or fewer names than controls.
        """
        if len(names) != len(controls):
            raise UnknownSignature(
                f"AsyncTask takes {len(names)} arguments, but the WebUI has {len(controls)} controls for them"
            )
        self.names = names
        self._position = {name: position for position, name in enumerate(names)}
        self._controls = controls
        self._defaults = controls.defaults
        self._deciding = deciding
        self._max_seed = max_seed

    def places(self) -> dict[str, int]:
        """How many items each list on the wire may have."""
        return {group: self._places(fields) for group, fields in GROUPS.items()}

    def default(self, wire_name: str) -> Any:
        """The WebUI's value for a field of the wire, None when the host has no such argument."""
        if wire_name == "loras":
            return self._items("loras", self._defaults)
        position = self._position.get(HOST_NAMES.get(wire_name, wire_name))
        if position is None or wire_name in MANAGED or wire_name in GROUPS:
            return None
        return _as_on_wire(wire_name, self._defaults[position])

    def bounds(self, wire_name: str, item_field: str | None = None) -> Bounds:
        """Return the bounds of the WebUI's control for a field of the wire, or for a field of its items; empty for none."""
        if item_field is not None:
            host_name = GROUPS.get(wire_name, {}).get(item_field, "")
            position = self._position.get(_indexed(host_name, 0))
        else:
            position = self._position.get(HOST_NAMES.get(wire_name, wire_name))
        return Bounds() if position is None else self._controls.bounds(position)

    def extra_fields(self, known: set[str]) -> dict[str, HostField]:
        """Return the arguments of this host that no field in `known` stands for: those of a fork."""
        taken = {HOST_NAMES.get(name, name) for name in known} | MANAGED | self._deciding
        fields = {
            name: self._controls.field(position)
            for name, position in self._position.items()
            if name not in taken and "[" not in name and name.isidentifier() and not name.startswith("_")
        }
        return {name: field for name, field in fields.items() if field is not None}

    def positional(self, parameters: dict[str, Any], images: Images, masks: Images | None = None) -> list[Any]:
        """A new list for AsyncTask's constructor, which empties it.

        Args:
            parameters: values by their names on the wire. What the host has no argument for is passed over.
            images: reads the images that the parameters refer to.
            masks: reads the mask, as `images` does unless given.

        Raises:
            ParameterError: a list has more items than the host has places; an image can't be used.
        """
        values = list(self._defaults)
        arguments = {
            **_plain(parameters),
            **self._seed(parameters),
            **_image_arguments(parameters, images, masks or images),
        }
        for wire_name, value in arguments.items():
            position = self._position.get(HOST_NAMES.get(wire_name, wire_name))
            if position is not None and wire_name not in self._deciding:
                values[position] = self._controls.as_argument(position, value)
        self._place(values, "loras", parameters.get("loras"), {"enabled": False, "model_name": "None", "weight": 1.0})
        prompts = [
            {**item, "cn_img": images(item["cn_img"])}
            for item in parameters.get("controlnet_image") or []
            if item["cn_img"]
        ]
        self._place(values, "controlnet_image", prompts, {"cn_img": None})
        self._place(values, "enhance_ctrls", parameters.get("enhance_ctrls"), {"enhance_enabled": False})
        return values

    def named(self, values: list[Any]) -> dict[str, Any]:
        """Parameters by their names on the wire from a positional list, as far as they are plain values."""
        known = {WIRE_NAMES.get(name, name): value for name, value in zip(self.names, values, strict=False)}
        plain = {name: value for name, value in known.items() if "[" not in name and _is_plain(value)}
        return {**plain, **{group: self._items(group, values) for group in GROUPS}}

    def pictures(self, values: list[Any]) -> dict[tuple[str, int | None, str], Any]:
        """The images in a positional list, uint8 arrays, by their place in what `named` gives: field, index, key."""
        found: dict[tuple[str, int | None, str], Any] = {}
        known = dict(zip(self.names, values, strict=False))
        if not (known.get("input_image_checkbox") or known.get("enhance_checkbox")):
            return {}  # they lie in the browser, unused
        for name, value in known.items():
            if isinstance(value, dict):
                found[name, None, ""] = value.get("image")
                found["inpaint_mask_image_upload", None, ""] = _painted(value.get("mask"))
            elif hasattr(value, "shape"):
                field, index = re.fullmatch(r"(.*?)(?:\[(\d+)\])?", name).groups()  # type: ignore[union-attr]
                if index is None:
                    found[field, None, ""] = value
                else:
                    found["controlnet_image", int(index), field] = value
        return {place: value for place, value in found.items() if value is not None}

    def _seed(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """The host takes -1 literally; in the WebUI it is the browser's page that draws lots."""
        if "image_seed" in parameters and int(parameters["image_seed"]) < 0:
            return {"image_seed": random.randint(0, min(self._max_seed, LARGEST_SEED))}  # nosec B311  # of a picture, no secret
        return {}

    def _places(self, fields: dict[str, str]) -> int:
        first = next(iter(fields.values()))
        return sum(_indexed(first, index) in self._position for index in range(len(self.names)))

    def _items(self, group: str, values: list[Any]) -> list[dict[str, Any]]:
        items = []
        for index in range(self._places(GROUPS[group])):
            item = {field: values[self._position[_indexed(name, index)]] for field, name in GROUPS[group].items()}
            items.append({field: value for field, value in item.items() if _is_plain(value)})
        return items

    def _place(self, values: list[Any], group: str, items: list[dict[str, Any]] | None, empty: dict[str, Any]) -> None:
        """Write a list's items into their places, and `empty` into the places behind them."""
        if items is None:
            return
        places = self._places(GROUPS[group])
        if len(items) > places:
            raise ParameterError(f"{group}: {len(items)} given, this Fooocus has places for {places}")
        for index in range(places):
            for field, value in (items[index] if index < len(items) else empty).items():
                if value is not None or field == "cn_img":
                    values[self._position[_indexed(GROUPS[group][field], index)]] = value


def read_arguments(checkout: Path) -> ArgumentOrder:
    """The argument order of the running host, with the WebUI's controls for defaults. Needs the WebUI to be built.

    Raises:
        UnknownSignature: the order can't be read, or does not fit the controls.
    """
    source = (checkout / "modules" / "async_worker.py").read_text(encoding="utf-8")
    webui = sys.modules["webui"]
    controls = Controls(webui.ctrls[1:], getattr(sys.modules.get("shared"), "gradio_root", None))
    signature = read_signature(source)
    names = signature.resolve(values=controls.defaults)
    constants = importlib.import_module("modules.constants")
    return ArgumentOrder(names, controls, constants.MAX_SEED, signature.deciding(values=controls.defaults))


def _plain(parameters: dict[str, Any]) -> dict[str, Any]:
    """Values that go as they are, and the few that the host writes otherwise."""
    values = {name: value for name, value in parameters.items() if name not in GROUPS and name not in MANAGED}
    for name, (written, meant) in SPELLINGS.items():
        if values.get(name) == written:
            values[name] = meant
    if "aspect_ratios_selection" in values:
        values["aspect_ratios_selection"] = str(values["aspect_ratios_selection"]).replace("*", "×")
    return values


def _image_arguments(parameters: dict[str, Any], images: Images, masks: Images) -> dict[str, Any]:
    """What the images mean to the host: their arrays, the tab they belong to, and the switches that go with it."""
    given = {name: parameters.get(name) for name in ("enhance_input_image", "uov_input_image", "inpaint_input_image")}
    prompted = any(item["cn_img"] for item in parameters.get("controlnet_image") or [])
    tabs = {
        "enhance": given["enhance_input_image"],
        "ip": prompted,
        "uov": given["uov_input_image"],
        "inpaint": given["inpaint_input_image"],
    }
    tab = next((name for name, image in tabs.items() if image), None)
    values: dict[str, Any] = {
        "input_image_checkbox": tab is not None,
        "current_tab": tab or "uov",
        "invert_mask_checkbox": False,
        "inpaint_mask_image_upload": None,
        "inpaint_input_image": None,
        "uov_input_image": images(given["uov_input_image"]) if given["uov_input_image"] else None,
        "enhance_input_image": images(given["enhance_input_image"]) if given["enhance_input_image"] else None,
    }
    if given["enhance_input_image"]:
        values["enhance_checkbox"] = True
    if given["inpaint_input_image"]:
        image = images(given["inpaint_input_image"])
        mask = masks(parameters[MASK]) if parameters.get(MASK) else None
        picture, painted = inpaint_input(image, mask)
        sides, distance = parameters.get("outpaint_selections") or [], parameters.get("outpaint_distance") or []
        if sides and any(distance):
            picture, painted = outpainted(picture, painted, sides, distance)
            values.update(outpaint_selections=[], inpaint_strength=1.0, inpaint_respective_field=1.0)
        elif not sides and not (painted > 127).any():
            raise ParameterError(unpainted(mask), field=MASK)
        values["inpaint_input_image"] = {"image": picture, "mask": painted}
    return values


def _painted(mask: Any) -> Any:
    """A mask in which something is painted, else None."""
    return mask if mask is not None and mask.any() else None


def _indexed(name: str, index: int) -> str:
    """`loras.1` of the third group is `loras[2].1`."""
    head, dot, tail = name.partition(".")
    return f"{head}[{index}]{dot}{tail}"


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
