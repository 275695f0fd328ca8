"""`/v1/tools/expand-prompt`: what Fooocus makes of a prompt, without generating."""

from __future__ import annotations

import asyncio
import random
import re
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from pydantic import BaseModel, ConfigDict, Field, create_model

from ....auth.keys import Scope
from ....tasks.ports.prompts import ResolvedPrompt
from ...context import Context
from ...requests.json_body import JsonRoute
from ...requests.parameter_names import note_ignored, unknown_names
from ...responses.problems import InvalidFields, responses
from ...results.tool_results import tool_result
from ...schemas.generate import CommonRequest
from ...security.authorization import require_scope
from ...validation.known_names import with_listed_names, without_missing_loras
from ...validation.lora_checks import with_prompts_weights
from ...validation.validation import check

FIELDS = (
    *("prompt", "negative_prompt", "style_selections", "performance_selection", "image_number", "image_seed"),
    *("disable_seed_increment", "read_wildcards_in_order", "loras"),
)
"""Fields of a generate request that decide over its prompts."""
SEEDS = 2**53 - 1024
"""Random seeds are below: JavaScript keeps them exact, with those of further images."""
EXAMPLE = {"prompt": "a [[red,blue]] boat", "style_selections": ["Fooocus V2", "Fooocus Enhance"], "image_number": 2}


class PromptLora(BaseModel):
    """A LoRA that is applied."""

    model_name: str = Field(description="The file.")
    weight: float = Field(description="The strength of its effect.")


class ExpandedPrompt(BaseModel):
    """The prompt of one image."""

    seed: int = Field(description="The seed of the image; as `image_seed` it gives the same words again.")
    seed_text: str = Field(description="The digits of `seed`.")
    prompt_lines: list[str] = Field(
        description="The lines of the prompt, with wildcards and arrays replaced and without LoRA tags."
    )
    negative_lines: list[str] = Field(description="The lines of the negative prompt, likewise.")
    styles: list[str] = Field(description="The styles, with the names in place of `Random Style`.")
    expansion: str | None = Field(
        description="The prompt with the words that Fooocus V2 adds; empty without that style, null with `expansion: false`."
    )
    positive: list[str] = Field(description="All texts that are encoded, in their order.")
    negative: list[str] = Field(description="All texts that are encoded as what to avoid, in their order.")
    loras: list[PromptLora] = Field(description="The LoRAs of the request, of its prompt and of its performance.")


class ExpandPromptResponse(BaseModel):
    """The prompts of a request's images."""

    images: list[ExpandedPrompt] = Field(description="One entry for each image.")


def router(context: Context, whole: type[CommonRequest]) -> APIRouter:
    """Return the router; `whole` is the model of a generate request on the running host."""
    routes = APIRouter(tags=["tools"], route_class=JsonRoute, dependencies=[require_scope(Scope.GENERATE)])
    model = _request_model(whole)

    async def expand_prompt(request: Request, body: Annotated[Any, Body()]) -> ExpandPromptResponse:
        """Return what wildcards, arrays, styles and Fooocus V2 make of a prompt, without generating.

        Fooocus V2 runs after the tasks queued before it. Without that style, or with `expansion: false`, the answer comes at
        once.
        """
        prompts = context.prompts
        note_ignored(request, unknown_names(body.model_extra or {}, ()))
        sent = whole.model_validate(body.model_dump(include=set(FIELDS), exclude_unset=True, warnings="none"))
        checked = await asyncio.to_thread(_checked, context, sent)
        seed = checked.image_seed if checked.image_seed >= 0 else random.SystemRandom().randint(0, SEEDS)
        values, numbers = checked.model_dump(warnings="none"), range(checked.image_number)
        found = await tool_result(partial(prompts.resolve, values, seed, numbers), request)
        texts: list[str | None] = [None if prompt.is_expanded and not body.expansion else "" for prompt in found]
        if body.expansion and any(prompt.is_expanded for prompt in found):
            texts = [*await tool_result(partial(prompts.expand, found), request)]
        return ExpandPromptResponse(images=[_image(*pair) for pair in zip(found, texts, strict=True)])

    expand_prompt.__annotations__["body"] = Annotated[model, Body(openapi_examples={"A prompt": {"value": EXAMPLE}})]
    routes.post(
        "/v1/tools/expand-prompt",
        summary="Expand a prompt",
        response_model=ExpandPromptResponse,
        responses=responses(401, 413, 422, 429, 500, 503),
    )(expand_prompt)
    return routes


def _request_model(whole: type[CommonRequest]) -> type[BaseModel]:
    fields: dict[str, Any] = {name: (whole.model_fields[name].annotation, whole.model_fields[name]) for name in FIELDS}
    expansion = Field(
        default=True, description="Run Fooocus V2, if it is among the styles. It waits for the tasks queued before."
    )
    return create_model(
        "ExpandPromptRequest",
        __config__=ConfigDict(extra="allow", allow_inf_nan=False, protected_namespaces=()),
        __doc__="A prompt, and the options that decide what Fooocus makes of it. The fields are those of a generate request.",
        **fields,
        expansion=(bool, expansion),
    )


def _checked(context: Context, sent: CommonRequest) -> CommonRequest:
    """Return the request with the names and weights that count. Off the event loop.

    Raises:
        InvalidFields: a style, a LoRA or another name is unknown.
    """
    body = with_prompts_weights(without_missing_loras(with_listed_names(sent, context), context), sent, context)
    try:
        check(body, context)
    except InvalidFields as error:  # the host's own defaults may be missing, and are not of the request
        own = [one for one in error.errors if re.split(r"[\[.]", one.field)[0] in FIELDS]
        if own:
            raise InvalidFields(own) from error
    return body


def _image(prompt: ResolvedPrompt, expansion: str | None) -> ExpandedPrompt:
    return ExpandedPrompt(
        seed=prompt.seed,
        seed_text=str(prompt.seed),
        prompt_lines=list(prompt.prompt_lines),
        negative_lines=list(prompt.negative_lines),
        styles=list(prompt.styles),
        expansion=expansion,
        positive=[*prompt.positive, *([expansion] if prompt.is_expanded and expansion is not None else [])],
        negative=list(prompt.negative),
        loras=[PromptLora(model_name=name, weight=weight) for name, weight in prompt.loras],
    )
