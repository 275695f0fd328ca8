"""The request that is being made of found parameters, and the notes about it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from ...images.metadata.schemes.found import Unmapped

MAX_NOTES = 200
"""Values without a place that an answer names. A file may have thousands."""
Match = Literal["hash", "exact", "stem", "ambiguous", "none"]


class ModelMatch(BaseModel):
    """A model file that the parameters name, and the file of this host that stands for it."""

    field: str = Field(description="The field of the request: `base_model_name`, `loras` or another.")
    name: str = Field(description="The name in the file, often without folder and ending.")
    hash: str | None = Field(default=None, description="The start of the file's hash, if the parameters have it.")
    match: Match = Field(
        description="The way it was found: by its `hash`, by its `exact` name, or by its `stem`, the name without folder and "
        "ending. `ambiguous`: several files have that name. `none`: this host has no such file."
    )
    file: str | None = Field(default=None, description="The file of this host; null if none or several match.")
    candidates: list[str] | None = Field(default=None, description="The files that match, if there are several.")


class UnmappedValue(BaseModel):
    """A value that the request does not have."""

    name: str = Field(description="The name of the value in the file, or the field of the request that can't have it.")
    value: Any = Field(description="The value.")
    reason: str = Field(description="The reason, in words that may change.")


class Draft:
    """A request with the values that could not be put into it (`unmapped`), warnings, and the models it needs."""

    def __init__(self, unmapped: list[Unmapped], warnings: list[str]) -> None:
        """Begin with the notes of the reader."""
        self.request: dict[str, Any] = {}
        self.unmapped = [UnmappedValue(name=one.name, value=one.value, reason=one.reason) for one in unmapped]
        self.warnings = list(warnings)
        self.models: list[ModelMatch] = []

    def set(self, **fields: Any) -> None:
        """Set fields of the request; None leaves a field out."""
        self.request.update({name: value for name, value in fields.items() if value is not None})

    def leave_out(self, name: str, value: Any, reason: str) -> None:
        """Note a value that the request does not have."""
        if len(self.unmapped) >= MAX_NOTES:
            self.warn(f"unmapped has the first {MAX_NOTES} values")
            return
        self.unmapped.append(UnmappedValue(name=name, value=value, reason=reason))

    def warn(self, text: str) -> None:
        """Add a warning, once."""
        if text not in self.warnings:
            self.warnings.append(text)
