"""Checks LoRAs in prompts: rejects those that Fooocus would silently drop."""

from __future__ import annotations

from collections.abc import Iterator

from ...asgi.error_codes import FieldErrorCode
from ...asgi.problem import shortened
from ...tasks.model.workload.lora_tags import BEGINNING, TAG, LoraFiles, Tag, UnusableTag, tags
from ...tasks.model.workload.prompt_parts import WILDCARD
from ..context import Catalog, Context
from ..responses.problems import FieldError
from ..schemas.generate import CommonRequest
from .known_names import nearest_names, refresh_once

MAX_WILDCARDS = 64
"""Maximum of nested wildcards to follow, as in Fooocus."""


def refers_to_files(text: str) -> bool:
    """Return whether a prompt may have LoRA tags or wildcards."""
    return "__" in text or BEGINNING.search(text) is not None


def with_prompts_weights(body: CommonRequest, sent: CommonRequest, context: Context) -> CommonRequest:
    """Return the body without those of the host's or a preset's LoRAs that the prompt has with a weight of its own.

    Fooocus would use the default's weight, and clients of other programs do not know that there is one. A request that lists
    `loras` itself stays as it is.
    """
    texts = [getattr(body, name) for name in _joined(body)]
    if "loras" in sent.model_fields_set or not any(BEGINNING.search(text) for text in texts):
        return body
    files = _files(context.host.catalog)
    named = {tag.file: float(tag.weight) for text in texts for tag in tags(text, files) if isinstance(tag, Tag)}
    loras = [
        lora.model_copy(update={"enabled": lora.enabled and named.get(lora.model_name, lora.weight) == lora.weight})
        for lora in body.loras
    ]
    return body.model_copy(update={"loras": loras})


def lora_errors(request: CommonRequest, context: Context) -> Iterator[FieldError]:
    """Yield an error for each LoRA in a prompt that Fooocus would not apply as written."""
    fields = list(_prompts(request))
    if not any(refers_to_files(text) for _, text, _ in fields):
        return
    catalog = context.host.catalog
    files = _files(catalog)
    if any(isinstance(tag, UnusableTag) for _, text, _ in fields for tag in tags(text, files)):
        refresh_once(catalog)  # the file may be new in its folder
        files = _files(catalog)
    for field, text, is_positive in fields:
        if not is_positive and TAG.search(text):
            yield FieldError(
                field=field,
                code=FieldErrorCode.UNSUPPORTED,
                message="contains a LoRA tag, which Fooocus reads only in prompt; move it there",
            )
            continue
        for tag in dict.fromkeys(tags(text, files)):
            if isinstance(tag, UnusableTag):
                allowed = tag.allowed or nearest_names(str(tag), catalog.names("loras"))
                yield FieldError(field=field, code=FieldErrorCode.UNKNOWN_VALUE, message=str(tag), allowed=allowed)
        if (name := _wildcard_with_lora(text, catalog)) is not None:
            message = (
                f"wildcard __{shortened(name)}__ contains a LoRA tag, which Fooocus does not apply; list it in loras"
            )
            yield FieldError(field=field, code=FieldErrorCode.UNSUPPORTED, message=message)
    yield from _prompt_lora_errors(request, context, files)


def _files(catalog: Catalog) -> LoraFiles:
    return LoraFiles(catalog.names("lora_files"))


def _joined(request: CommonRequest) -> list[str]:
    """Return the names of the prompts that Fooocus joins, in Fooocus's order."""
    names = ["inpaint_additional_prompt"] if request.inpaint_input_image else []
    return [name for name in (*names, "prompt") if getattr(request, name)]


def _prompts(request: CommonRequest) -> Iterator[tuple[str, str, bool]]:
    """Yield the path of each prompt in use, its text, and whether it is a positive prompt."""
    for name in _joined(request):
        yield name, getattr(request, name), True
    yield "negative_prompt", request.negative_prompt, False
    for index, control in enumerate(request.enhance_ctrls):
        if control.enhance_enabled:
            yield f"enhance_ctrls[{index}].enhance_prompt", control.enhance_prompt, True
            yield f"enhance_ctrls[{index}].enhance_negative_prompt", control.enhance_negative_prompt, False


def _prompt_lora_errors(request: CommonRequest, context: Context, files: LoraFiles) -> Iterator[FieldError]:
    """Yield errors for LoRAs in prompts that exceed the host's number of LoRAs, or that `loras` has with another weight."""
    enabled = [lora for lora in request.loras if lora.enabled and lora.model_name != "None"]
    listed = {lora.model_name: lora.weight for lora in enabled}
    enhanced = [
        (field, [text]) for field, text, positive in _prompts(request) if positive and field.startswith("enhance")
    ]
    names = _joined(request)
    for field, texts in [("prompt", [getattr(request, name) for name in names]), *enhanced]:
        found = [tag for text in texts for tag in tags(text, files) if isinstance(tag, Tag)]
        for tag in found:
            if tag.file in listed and float(tag.weight) != listed[tag.file]:
                message = (
                    f"{tag.file!r} is in loras with weight {listed[tag.file]}, which takes precedence; name it once"
                )
                yield FieldError(field=field, code=FieldErrorCode.CONFLICT, message=message)
                break
        added = {tag.file for tag in found} - set(listed)
        places = context.host.arguments.list_sizes().get("loras", 0)
        if added and len(enabled) + len(added) > places:
            message = f"contains too many LoRA tags; this Fooocus allows at most {places} LoRAs in all"
            yield FieldError(field=field, code=FieldErrorCode.WRONG_COUNT, message=message)


def _wildcard_with_lora(text: str, catalog: Catalog) -> str | None:
    """Return the name of the first wildcard with a LoRA, in a prompt or in a nested wildcard, None without one."""
    waiting: list[str] = WILDCARD.findall(text)
    seen: set[str] = set()
    while waiting and len(seen) < MAX_WILDCARDS:
        name = waiting.pop(0)
        if name in seen:
            continue
        seen.add(name)
        content = catalog.wildcard(name)
        if TAG.search(content):
            return name
        waiting += WILDCARD.findall(content)
    return None
