"""The request bodies that generate a task, or one of its images, again. Off the event loop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ...tasks.model.task import Task
from ...tasks.repeats.comparison import NO_RECORD, Difference
from ...tasks.service import DatabaseUnavailable
from ..context import Context
from ..schemas.generate import IMAGE_FIELDS, REPEAT_OF, CommonRequest
from ..schemas.host_request import extra_fields
from ..schemas.own_data import OF_A_SUBMISSION
from .prompts import LoggedPrompt, enhancements, has_choices, resolved
from .webui import as_request

LEFT_OUT = OF_A_SUBMISSION | {"preset", REPEAT_OF}
"""Fields of one submission, the preset, whose values the other fields have, and what this module sets itself."""
SEEDS = 2**63
MAX_EXACT_NUMBER = 2**53 - 1
"""Largest integer that every JSON reader keeps; larger seeds are written as text."""
UNREADABLE = Difference("record_unreadable", "the record of the task's run can't be read now")
CHOICES = Difference(
    "prompt_changed", "the wildcards, arrays or random styles would be replaced by other words than they were"
)
INVERTED = Difference("mask_not_expressible", "the WebUI inverted a mask that it had grown or shrunk before")


@dataclass(frozen=True)
class Repetition:
    """A request body with the fields of a task, and the reasons why its pixels may differ; none if it is exact."""

    body: dict[str, Any]
    differences: list[Difference] = field(default_factory=list)


class Repeater:
    """Makes the request bodies of one ended task."""

    def __init__(self, context: Context, task: Task) -> None:
        """Read the record of the task's run, and compare it with the host and the files of today."""
        self._context = context
        self._task = task
        self._run = None
        try:
            self._run = context.services.repeats.run(task.task_id)
            found = context.services.repeats.differences(task, self._run)
        except DatabaseUnavailable:
            found = [UNREADABLE]
        self._whole = self._whole_body()
        self._common = [*found, *self._of_request()]

    def whole(self) -> Repetition:
        """Return the repetition of all images."""
        if self._number() == 1 and len(self._task.images) == 1:
            return self.image(0)
        return Repetition(_written(self._whole), [*self._common, *self._changed_choices()])

    def image(self, position: int, *, as_logged: bool = True) -> Repetition:
        """Return the repetition of the image at a position of the record; of all images where it can't be generated alone.

        Args:
            as_logged: put the logged texts in place of wildcards, arrays and random styles that would give others.
        """
        image = self._task.images[position]
        if image.seed is None or self._enhances() or position >= self._number():
            return Repetition(_written(self._whole), [*self._common, *self._changed_choices()])
        body = {**self._whole, "image_number": 1, "image_seed": image.seed, "generate_image_grid": False}
        if not has_choices(body) or not as_logged or NO_RECORD in self._common:
            return Repetition(_written(body), self._common)
        logged = LoggedPrompt.of(image)
        for candidate in (body, *([logged.written_into(body)] if logged is not None else [])):
            if logged is not None and any(
                map(logged.equals, resolved(self._context.host.prompts, candidate, range(1)))
            ):
                return Repetition(_written(candidate), self._common)
        return Repetition(_written(body), [*self._common, CHOICES])

    def missing_inputs(self, body: dict[str, Any]) -> list[str]:
        """Return the references of a body's images that don't exist any more."""
        return [reference for reference in _references(body) if not self._exists(reference)]

    def _whole_body(self) -> dict[str, Any]:
        parameters = self._task.parameters
        known = CommonRequest.model_fields.keys() | extra_fields(self._context).keys()
        request = as_request(parameters) if self._task.source == "webui" else parameters
        body = {name: value for name, value in request.items() if name in known - LEFT_OUT and value is not None}
        body["image_number"] = max(1, _integer(body.get("image_number")))
        body["image_seed"] = self._seed(body)
        if self._run is not None and self._run.state:
            body[REPEAT_OF] = self._task.task_id
        return body

    def _seed(self, body: dict[str, Any]) -> int:
        """Return the seed of the first image: as recorded, as requested, or as its file has it; -1 if none of them is known."""
        if self._run is not None and self._run.seed is not None and self._run.seed >= 0:
            return self._run.seed % SEEDS
        if (requested := _integer(body.get("image_seed"))) >= 0:
            return requested
        return next((image.seed for image in self._task.images if image.seed is not None), -1)

    def _enhances(self) -> bool:
        """Return whether the host enhances images: it does so with the seed of the task's first one."""
        return bool(self._whole.get("enhance_checkbox") or self._whole.get("enhance_input_image"))

    def _of_request(self) -> Iterator[Difference]:
        for reference in self.missing_inputs(self._whole):
            yield Difference("input_missing", f"{reference} was deleted")
        if self._task.source == "webui" and self._whole.get("inpaint_input_image"):
            shrunk = self._task.parameters.get("inpaint_erode_or_dilate")
            if self._task.parameters.get("invert_mask_checkbox") and shrunk:
                yield INVERTED
        if self._whole["image_seed"] == -1:
            yield Difference("no_seed", "the seed is not known")

    def _number(self) -> int:
        return int(self._whole["image_number"])

    def _changed_choices(self) -> list[Difference]:
        """Return a difference if the words in place of wildcards, arrays and random styles would be others in any image."""
        if not has_choices(self._whole) or NO_RECORD in self._common:
            return []
        prompts = self._context.host.prompts
        expected = resolved(prompts, self._whole, range(self._number()))
        for body in enhancements(self._whole):
            expected += resolved(prompts, body, range(1))
        for image in self._task.images:
            logged = LoggedPrompt.of(image)
            if logged is not None and not any(one.seed == image.seed and logged.equals(one) for one in expected):
                return [CHOICES]
        return []

    def _exists(self, reference: str) -> bool:
        try:
            self._context.places.find_reference(reference)
        except FileNotFoundError:
            return False
        except OSError:  # it can't be read now, which is no difference
            return True
        return True


def _integer(value: Any) -> int:
    """Return a number of a request, -1 for another value: parameters may come from any program."""
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return -1


def _references(body: dict[str, Any]) -> Iterator[str]:
    yield from (body[name] for name in IMAGE_FIELDS if body.get(name))
    yield from (item["cn_img"] for item in body.get("controlnet_image") or [] if item.get("cn_img"))


def _written(body: dict[str, Any]) -> dict[str, Any]:
    """Return a body with a seed that every JSON reader keeps."""
    seed = body["image_seed"]
    return {**body, "image_seed": str(seed)} if seed > MAX_EXACT_NUMBER else body
