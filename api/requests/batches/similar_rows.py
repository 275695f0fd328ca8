"""Rows that differ from an earlier, valid one in simple fields only: those are checked, and the rest is taken from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from operator import getitem
from typing import Annotated, Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from ....tasks.batches.model import NewRow
from ....tasks.model.workload.prompt_parts import has_many_parts
from ...schemas.generate import CommonRequest
from ...schemas.own_data import OwnData
from ...validation.lora_checks import refers_to_files
from .row_errors import RawRow

TEXTS = ("prompt", "negative_prompt")
NUMBERS = (
    *("image_seed", "sharpness", "guidance_scale", "adaptive_cfg", "clip_skip", "refiner_switch"),
    *("adm_scaler_positive", "adm_scaler_negative", "adm_scaler_end"),
    *("freeu_b1", "freeu_b2", "freeu_s1", "freeu_s2", "overwrite_step", "overwrite_switch"),
    *("overwrite_vary_strength", "overwrite_upscale_strength", "inpaint_strength", "inpaint_respective_field"),
    *("inpaint_erode_or_dilate", "canny_low_threshold", "canny_high_threshold", "controlnet_softness"),
    "dino_erode_or_dilate",
)
SIMPLE = (*TEXTS, *NUMBERS, *OwnData.model_fields)
"""Fields whose check depends on no other field, and on which no other field's check depends."""
MAX_KNOWN = 1000
"""Valid rows of one batch that are remembered."""


@dataclass(frozen=True)
class Reading:
    """The members of a row: the values of its simple fields, without those that are equal to the default, and a key that is equal
    for rows whose other members are equal."""

    key: tuple[Any, ...]
    simple: dict[str, Any]


class SimilarRows:
    """The valid rows of one batch by their members other than simple fields."""

    def __init__(self, model: type[CommonRequest]) -> None:
        """Store the host's request model, by whose fields the values are validated."""
        self._known: dict[tuple[Any, ...], NewRow] = {}
        self._adapters: dict[str, TypeAdapter[Any]] = {}
        self._defaults: dict[str, Any] = {}
        for name in SIMPLE:
            field = model.model_fields[name]
            kind: Any = field.annotation
            if field.metadata:
                kind = getitem(Annotated, (kind, *field.metadata))
            self._adapters[name] = TypeAdapter(kind, config=ConfigDict(allow_inf_nan=False))
            self._defaults[name] = field.get_default(call_default_factory=True)

    def reading(self, values: dict[str, Any]) -> Reading | None:
        """Return the members of a row, None if it needs the whole check: for an error, or for a text that refers to files."""
        simple: dict[str, Any] = {}
        others: list[Any] = []
        try:
            for name, value in values.items():
                if (adapter := self._adapters.get(name)) is None:
                    others.append(value)
                else:
                    simple[name] = adapter.validate_python(value)
        except ValidationError:
            return None
        if any(refers_to_files(simple[name]) or has_many_parts(simple[name]) for name in TEXTS if name in simple):
            return None
        # A preset replaces values that are equal to the default.
        usual = tuple(name for name, value in simple.items() if value == self._defaults[name])
        key = (tuple(values), repr(others), usual)
        return Reading(key, {name: value for name, value in simple.items() if name not in usual})

    def prepared(self, reading: Reading, row: RawRow) -> NewRow | None:
        """Return the row as the whole check would, None without a similar one."""
        like = self._known.get(reading.key)
        if like is None or like.parameters is None:
            return None
        parameters = {**like.parameters, **reading.simple}
        return replace(like, number=row.number, custom_id=row.custom_id or str(row.number), parameters=parameters)

    def keep(self, reading: Reading, new: NewRow) -> None:
        """Remember a valid row."""
        if len(self._known) < MAX_KNOWN:
            self._known[reading.key] = new
