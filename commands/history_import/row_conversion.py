"""Converts the rows of an old history into tasks: ids, images and inputs in the extension's form."""

from __future__ import annotations

import math
import re
import uuid
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from ...adapters.task_args.field_names import IMAGE_FIELD_NAMES
from ...adapters.task_args.workload_fields import unusable_field
from ...images.codecs.decoding import NotAnImage
from ...images.references import ImageReference
from ...images.storage.input_store import MAX_BYTES, InputStore
from ...tasks.model.gaps import Gaps
from ...tasks.model.image_record import image_record
from ...tasks.model.task import Image, Task
from .old_databases import BrokenRow, OldTask

SOURCE = "imported"
IMAGE_FIELDS = {*IMAGE_FIELD_NAMES, "input_image", "input_mask"}
"""Fields with an image, and their names in the old programs."""
NAMESPACE = uuid.UUID("6b0f4a35-5d1c-4c0e-9a1b-6f6f6f637573")
BASE64 = re.compile(r"data:[^,]{0,100};base64,|[A-Za-z0-9+/\r\n]{1000,}={0,2}\s*\Z")
"""A data URI, or a run of characters longer than any text without a space."""
MAX_MODEL_LENGTH, MAX_PATH = 255, 512
"""Column lengths of the database."""
MAX_DEPTH = 50
"""Deepest nesting of parameters; no request is nested deeper."""


@dataclass
class FileLocator:
    """Finds the files of old URLs by their last path segments: the server that they name no longer exists.

    `outputs` is the image folder, `inputs` stores the tasks' input images. `old_outputs` and `old_inputs` are the old program's
    folders of such files; only inputs are copied from there.
    """

    outputs: Path
    inputs: InputStore
    old_outputs: tuple[Path, ...] = ()
    old_inputs: tuple[Path, ...] = ()
    elsewhere: set[Path] = field(default_factory=set)
    """Images in an old folder that are missing from the outputs folder."""
    _kept: dict[str, str | None] = field(default_factory=dict)

    def image(self, url: str) -> Image | None:
        """Return the image of a result's URL or path, None if it is not (any more) in the outputs folder."""
        relative = PurePosixPath(*url.replace("\\", "/").split("/")[-2:])
        if len(relative.parts) != 2 or any(part.startswith(".") for part in relative.parts):
            return None
        if len(str(relative)) > MAX_PATH:
            return None
        path = _file_in(self.outputs, relative)
        if path is None:
            self.elsewhere.update(found for old in self.old_outputs if (found := _file_in(old, relative)))
            return None
        image = image_record(str(path), relative.as_posix(), {}, Gaps())
        return image if image.format is not None else None

    def input(self, url: str) -> str | None:
        """Store an input and return its reference, None if its file is missing."""
        name = url.replace("\\", "/").rsplit("/", 1)[-1]
        if name not in self._kept:
            self._kept[name] = self._keep(name)
        return self._kept[name]

    def _keep(self, name: str) -> str | None:
        for folder in self.old_inputs:
            path = _file_in(folder, PurePosixPath(name)) if name and not name.startswith(".") else None
            try:
                if path is not None and path.stat().st_size <= MAX_BYTES:
                    return str(ImageReference.input(self.inputs.add(path.read_bytes())))
            except NotAnImage:
                continue
        return None


def task_from(old: OldTask, locator: FileLocator) -> Task:
    """Return the task to be recorded.

    Its parameter `imported` lists the program, the old id if it had another form, results whose file is missing, and inputs
    that could not be imported.

    Raises:
        BrokenRow: its values can't be stored.
    """
    found = {url: locator.image(url) for url in dict.fromkeys(old.results)}
    images = {image.path: image for image in found.values() if image is not None}
    left_out: dict[str, str] = {}
    parameters = _stored(old.parameters, locator, "", left_out)
    if (problem := unusable_field(parameters, MAX_MODEL_LENGTH)) is not None:
        raise BrokenRow(problem)
    task_id = new_id(old)
    imported: dict[str, Any] = {"from": old.program}
    if task_id != old.task_id:
        imported["task_id"] = _clean(old.task_id)
    if missing := [_clean(url) for url, image in found.items() if image is None]:
        imported["missing_results"] = missing
    if left_out:
        imported["left_out"] = left_out
    times = (old.queued_at, old.started_at, old.finished_at)
    return Task(
        task_id=task_id,
        source=SOURCE,
        parameters={**parameters, "imported": imported},
        status=old.status,
        rank=0,
        queued_at=next((time for time in times if time >= 0), -1),
        started_at=old.started_at,
        finished_at=old.finished_at,
        progress=old.progress,
        webhook_url=_clean(old.webhook_url),
        images=list(images.values()),
        error=old.error,
        attempts=int(old.started_at >= 0),
    )


def new_id(old: OldTask) -> str:
    """Return the old id if it is 32 hexadecimal digits, with or without hyphens; else a UUID derived from it."""
    digits = old.task_id.replace("-", "").lower()
    if re.fullmatch(r"[0-9a-f]{32}", digits):
        return digits
    return uuid.uuid5(NAMESPACE, _clean(f"{old.program} {old.task_id}")).hex


def _stored(value: Any, locator: FileLocator, name: str, left_out: dict[str, str]) -> Any:
    """Return a parameter as it is stored: images as references to stored files, or null."""
    is_image = name.rpartition(".")[2] in IMAGE_FIELDS
    if is_image and value is not None and not isinstance(value, str):
        left_out[_clean(name)] = "no text"
        return None
    if name.count(".") + name.count("[") > MAX_DEPTH:
        raise BrokenRow("the parameters are nested too deeply")
    if isinstance(value, dict):
        return {
            _clean(str(key)): _stored(item, locator, f"{name}.{key}".lstrip("."), left_out)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_stored(item, locator, f"{name}[{index}]", left_out) for index, item in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        raise BrokenRow(f"{name} is not a number")
    if not isinstance(value, str):
        return value
    if BASE64.match(value):
        left_out[_clean(name)] = f"base64, {len(value)} characters"
        return None
    if not is_image:
        return _clean(value)
    if value.strip().lower() in ("", "none"):
        return None
    reference = locator.input(value)
    if reference is None:
        left_out[_clean(name)] = _clean(value) if "/" in value[:300] else f"{len(value)} characters"
    return reference


def _clean(text: str) -> str:
    """Return the text without characters that no database accepts: NULs and lone surrogates."""
    return text.replace("\x00", " ").encode("utf-8", "replace").decode()


def _file_in(folder: Path, relative: PurePosixPath) -> Path | None:
    try:
        path = (folder / relative).resolve()
        return path if path.is_file() and path.is_relative_to(folder.resolve()) else None
    except (OSError, ValueError):  # not a valid file name
        return None
