"""Maps between a request's named fields and the host's positional argument list."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

from ...tasks.ports.engine import ParameterError
from ...tasks.ports.host_arguments import Bounds, HostField
from ..host_modules import host_module, loaded_module
from ..inspection.signature_reader import read_signature
from ..inspection.task_signature import UnknownSignature
from .aspect_ratios import size_on_wire
from .controls import Controls
from .field_names import DERIVED_ARGUMENTS, HOST_NAMES, LIST_FIELDS, MASK, VALUE_ALIASES, WIRE_NAMES
from .image_checks import check_mask
from .images.image_files import ImageFiles
from .images.inpaint import PLACEHOLDER, Images, inpaint_input, outpainted, unpainted
from .images.webui_masks import webui_mask

SEED_LIMIT = 2**53 - 1024
"""Largest random seed. JavaScript keeps integers below 2**53 exact, including the seeds of the task's further images."""


class ArgumentMapper:
    """The names of AsyncTask's arguments in order, and their default values in the WebUI."""

    def __init__(
        self, names: list[str], controls: Controls, max_seed: int, deciding: frozenset[str] = frozenset()
    ) -> None:
        """Store the order.

        Args:
            deciding: arguments whose values determine the order itself; they keep the WebUI's value.

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
        self._list_sizes = {group: self._count_slots(fields) for group, fields in LIST_FIELDS.items()}

    def list_sizes(self) -> dict[str, int]:
        """Return the maximum number of items of each list."""
        return dict(self._list_sizes)

    def default(self, wire_name: str) -> Any:
        """Return the WebUI's default for a field of the API, None if the host has no such argument."""
        if wire_name == "loras":
            return self._items("loras", self._defaults)
        position = self._position.get(HOST_NAMES.get(wire_name, wire_name))
        if position is None or wire_name in DERIVED_ARGUMENTS or wire_name in LIST_FIELDS:
            return None
        value = self._defaults[position]
        return size_on_wire(str(value)) if wire_name == "aspect_ratios_selection" else value

    def bounds(self, wire_name: str, item_field: str | None = None) -> Bounds:
        """Return the bounds of the WebUI's control for a field, or for a field of a list's items; empty if there is none."""
        position = self._position_of(wire_name, item_field)
        return Bounds() if position is None else self._controls.bounds(position)

    def choices(self, wire_name: str, item_field: str | None = None) -> list[str] | None:
        """Return the texts that the control for a field, or for a field of a list's items, offers; None if it offers none."""
        position = self._position_of(wire_name, item_field)
        return None if position is None else self._controls.choices(position)

    def extra_fields(self, known: set[str]) -> dict[str, HostField]:
        """Return the host's arguments that no field in `known` covers: those of a fork."""
        taken = {HOST_NAMES.get(name, name) for name in known} | DERIVED_ARGUMENTS | self._deciding
        copied = {position for positions in self._controls.shared for position in self._copies(positions, taken)}
        fields = {
            name: self._controls.field(position)
            for name, position in self._position.items()
            if name not in taken
            and position not in copied
            and "[" not in name
            and name.isidentifier()
            and not name.startswith("_")
        }
        return {name: field for name, field in fields.items() if field is not None}

    def _copies(self, positions: list[int], taken: set[str]) -> list[int]:
        """Return the arguments that only repeat another one of the same control."""
        original = next((position for position in positions if self.names[position] in taken), positions[0])
        return [position for position in positions if position != original]

    def to_positional(self, parameters: dict[str, Any], images: Images, masks: Images | None = None) -> list[Any]:
        """Return a new list for AsyncTask's constructor, which consumes it.

        Args:
            parameters: values by their names in the API. Values without an argument in the host are ignored.
            images: reads the images that the parameters refer to.
            masks: reads the mask; by default `images`.

        Raises:
            ParameterError: a list has more items than the host has slots; an image can't be used.
        """
        values, written = list(self._defaults), set[int]()
        arguments = {
            **_plain(parameters),
            **self._seed(parameters),
            **_image_arguments(parameters, images, masks or images),
        }
        for wire_name, value in arguments.items():
            position = self._position.get(HOST_NAMES.get(wire_name, wire_name))
            if position is not None and wire_name not in self._deciding:
                values[position] = self._controls.as_argument(position, value)
                written.add(position)
        self._place(values, "loras", parameters.get("loras"), {"enabled": False, "model_name": "None", "weight": 1.0})
        prompts = [
            {**item, "cn_img": images(item["cn_img"])}
            for item in parameters.get("controlnet_image") or []
            if item["cn_img"]
        ]
        self._place(values, "controlnet_image", prompts, {"cn_img": None})
        self._place(values, "enhance_ctrls", parameters.get("enhance_ctrls"), {"enhance_enabled": False})
        for positions in self._controls.shared:
            source = next((position for position in positions if position in written), positions[0])
            for position in positions:
                values[position] = values[source]
        return [_own(value) for value in values]

    def without_images(self, parameters: dict[str, Any], files: ImageFiles) -> list[Any]:
        """Return a list as `to_positional` does, with a placeholder for each image. Raises the same.

        Of the images it reads only a mask, and only where the mask decides whether there is anything to generate.
        """

        def placeholder(reference: str) -> Any:
            files.find(reference)
            return PLACEHOLDER

        values = self.to_positional({**parameters, "outpaint_distance": []}, placeholder)
        check_mask(parameters, files)
        return values

    def to_named(self, values: list[Any]) -> dict[str, Any]:
        """Return the parameters of a positional list by their names in the API, limited to plain values."""
        known = {WIRE_NAMES.get(name, name): value for name, value in zip(self.names, values, strict=False)}
        plain = {name: _own(value) for name, value in known.items() if "[" not in name and _is_plain(value)}
        return {**plain, **{group: self._items(group, values) for group in LIST_FIELDS}}

    def images(self, values: list[Any]) -> dict[tuple[str, int | None, str], Any]:
        """Return the images of a positional list as uint8 arrays, by their place in the result of `to_named`."""
        found: dict[tuple[str, int | None, str], Any] = {}
        known = dict(zip(self.names, values, strict=False))
        if not (known.get("input_image_checkbox") or known.get("enhance_checkbox")):
            return {}  # the browser holds images that the task does not use
        for name, value in known.items():
            if name == MASK:
                continue
            if isinstance(value, dict):
                found[name, None, ""] = value.get("image")
                found[MASK, None, ""] = webui_mask(value, known)
            elif hasattr(value, "shape"):
                field, index = re.fullmatch(r"(.*?)(?:\[(\d+)\])?", name).groups()  # type: ignore[union-attr]
                if index is None:
                    found[field, None, ""] = value
                else:
                    found["controlnet_image", int(index), field] = value
        return {place: value for place, value in found.items() if value is not None}

    def describe(self, task: Any) -> tuple[dict[str, Any], dict[tuple[str, int | None, str], Any]]:
        """Return the parameters of a task from the WebUI by their names in the API, and its images if it uses any."""
        return self.to_named(task.args), self.images(task.args)

    def _position_of(self, wire_name: str, item_field: str | None) -> int | None:
        if item_field is None:
            return self._position.get(HOST_NAMES.get(wire_name, wire_name))
        return self._position.get(_indexed(LIST_FIELDS.get(wire_name, {}).get(item_field, ""), 0))

    def _seed(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Replace a negative seed by a random one: the host takes -1 literally, and the WebUI randomizes in the browser."""
        if "image_seed" in parameters and int(parameters["image_seed"]) < 0:
            # The host seeds Python's own generator with each expanded prompt: after the same task it gives the same numbers.
            return {"image_seed": random.SystemRandom().randint(0, min(self._max_seed, SEED_LIMIT))}
        return {}

    def _count_slots(self, fields: dict[str, str]) -> int:
        first = next(iter(fields.values()))
        return sum(_indexed(first, index) in self._position for index in range(len(self.names)))

    def _items(self, group: str, values: list[Any]) -> list[dict[str, Any]]:
        items = []
        for index in range(self._list_sizes[group]):
            item = {field: values[self._position[_indexed(name, index)]] for field, name in LIST_FIELDS[group].items()}
            items.append({field: value for field, value in item.items() if _is_plain(value)})
        return items

    def _place(self, values: list[Any], group: str, items: list[dict[str, Any]] | None, empty: dict[str, Any]) -> None:
        """Write a list's items into their slots, and `empty` into the remaining ones."""
        if items is None:
            return
        size = self._list_sizes[group]
        if len(items) > size:
            raise ParameterError(f"{group} has {len(items)} items; this Fooocus accepts at most {size}")
        for index in range(size):
            for field, value in (items[index] if index < len(items) else empty).items():
                if value is not None or field == "cn_img":
                    values[self._position[_indexed(LIST_FIELDS[group][field], index)]] = value


def read_arguments(checkout: Path) -> ArgumentMapper:
    """Read the argument order of the running host, with the WebUI's controls as defaults. Requires a WebUI that is built.

    Raises:
        UnknownSignature: the order can't be parsed, or does not match the controls.
    """
    source = (checkout / "modules" / "async_worker.py").read_text(encoding="utf-8")
    # The import of the WebUI lasts as long as it serves: another thread that imports it would wait for its end.
    webui = loaded_module("webui") or host_module("webui")
    controls = Controls(webui.ctrls[1:], getattr(loaded_module("shared"), "gradio_root", None))
    signature = read_signature(source)
    names = signature.resolve(values=controls.defaults)
    constants = host_module("modules.constants")
    return ArgumentMapper(names, controls, constants.MAX_SEED, signature.deciding(values=controls.defaults))


def _plain(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the values that need no images, with aliases replaced by the host's spelling."""
    values = {
        name: value for name, value in parameters.items() if name not in LIST_FIELDS and name not in DERIVED_ARGUMENTS
    }
    for name, (written, meant) in VALUE_ALIASES.items():
        if values.get(name) == written:
            values[name] = meant
    if "aspect_ratios_selection" in values:
        values["aspect_ratios_selection"] = str(values["aspect_ratios_selection"]).replace("*", "×")
    return values


def _image_arguments(parameters: dict[str, Any], images: Images, masks: Images) -> dict[str, Any]:
    """Return the host's arguments for the images: their arrays, the active tab, and the switches that belong to it."""
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


def _indexed(name: str, index: int) -> str:
    """Return the name of a group's item: `loras.1` of the third group is `loras[2].1`."""
    head, dot, tail = name.partition(".")
    return f"{head}[{index}]{dot}{tail}"


def _own(value: Any) -> Any:
    """Return a list as a copy: Fooocus's worker removes styles from the list that a task has."""
    return list(value) if isinstance(value, list) else value


def _is_plain(value: Any) -> bool:
    return (
        value is None
        or isinstance(value, bool | int | float | str)
        or (isinstance(value, list) and all(isinstance(item, str) for item in value))
    )
