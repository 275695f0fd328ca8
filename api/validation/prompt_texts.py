"""Refuses prompts with more arrays or wildcards than Fooocus should get."""

from __future__ import annotations

from collections.abc import Iterator

from ...asgi.error_codes import FieldErrorCode
from ...tasks.model.workload.prompt_parts import MAX_PARTS, number_of_arrays, number_of_wildcards
from ..responses.problems import FieldError
from ..schemas.generate import CommonRequest


def crowded_prompts(request: CommonRequest) -> Iterator[FieldError]:
    """Yield an error for each prompt with too many arrays or wildcards, also for one without effect."""
    for field, text in _prompts(request):
        for number, parts in (
            (number_of_arrays(text), "arrays ([[a,b]], closed or not)"),
            (number_of_wildcards(text), "wildcards (__name__)"),
        ):
            if number > MAX_PARTS:
                message = f"has {number:,} {parts}; at most {MAX_PARTS} are allowed, send several requests"
                yield FieldError(field=field, code=FieldErrorCode.WRONG_COUNT, message=message)


def _prompts(request: CommonRequest) -> Iterator[tuple[str, str]]:
    for name in ("prompt", "negative_prompt", "inpaint_additional_prompt"):
        yield name, getattr(request, name)
    for index, control in enumerate(request.enhance_ctrls):
        for name in ("enhance_prompt", "enhance_negative_prompt"):
            yield f"enhance_ctrls[{index}].{name}", getattr(control, name)
