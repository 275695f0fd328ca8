"""The generation routes of Fooocus-API: forms under `/v1`, JSON under `/v2`."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi import Body as JsonBody
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import ValidationError

from ....auth.keys import Scope
from ....tasks.model.task import Task
from ...context import ApiContext
from ...requests.json_body import JsonOrFormRoute, JsonRoute, free_body
from ...requests.memory_budget import BODY_BUDGET
from ...schemas.generate import CommonRequest
from ...security.authorization import require_scope
from .answers import LegacyImage, LegacyJob
from .documentation import ACCEPT, GENERATION, form_content, generation_responses
from .requests.bodies import Bodies, Body
from .requests.forms import Form, read_form
from .requests.kinds import Kind
from .responder import LegacyResponder, Sent

TEXT = "/v1/generation/text-to-image"
JSON = {
    "/v2/generation/text-to-image-with-ip": Kind.TEXT,
    "/v2/generation/image-upscale-vary": Kind.UPSCALE,
    "/v2/generation/image-inpaint-outpaint": Kind.INPAINT,
    "/v2/generation/image-prompt": Kind.PROMPT,
    "/v2/generation/image-enhance": Kind.ENHANCE,
}
FORMS = {
    "/v1/generation/image-upscale-vary": Kind.UPSCALE,
    "/v1/generation/image-inpaint-outpaint": Kind.INPAINT,
    "/v1/generation/image-prompt": Kind.PROMPT,
    "/v1/generation/image-enhance": Kind.ENHANCE,
}
OLD_FORMS = {"/v1/generation/image-inpait-outpaint": Kind.INPAINT}
"""Paths that early versions of Fooocus-API had, as they spelt them."""
SUMMARIES = {
    Kind.TEXT: "Generate images from a text",
    Kind.UPSCALE: "Vary or upscale an image",
    Kind.INPAINT: "Inpaint or outpaint an image",
    Kind.PROMPT: "Generate images from image prompts",
    Kind.ENHANCE: "Enhance an image",
}
Accept = Annotated[str | None, Query(description=ACCEPT)]
Result = list[LegacyImage] | LegacyJob
Endpoint = Callable[..., Coroutine[Any, Any, Response]]


def router(bodies: Bodies, model: type[CommonRequest]) -> APIRouter:
    """Return the router; `model` is that of the generate request on the running host."""
    routes = APIRouter(tags=["generation"], dependencies=[require_scope(Scope.GENERATE)])
    for path, kind in {TEXT: Kind.TEXT, **JSON}.items():
        body = bodies.text_v1 if path == TEXT else bodies.of_kind[kind]
        _add(routes, path, kind, _json_endpoint(kind, body, model), route_class_override=JsonRoute)
    for path, kind in {**FORMS, **OLD_FORMS}.items():
        content = {"requestBody": {"required": True, "content": form_content(bodies.of_kind[kind])}}
        endpoint = _form_endpoint(kind, bodies, model)
        shown = path not in OLD_FORMS
        _add(
            routes,
            path,
            kind,
            endpoint,
            route_class_override=JsonOrFormRoute,
            openapi_extra=content,
            include_in_schema=shown,
        )
    return routes


def _add(routes: APIRouter, path: str, kind: Kind, endpoint: Endpoint, **options: Any) -> None:
    routes.add_api_route(
        path,
        endpoint,
        methods=["POST"],
        summary=SUMMARIES[kind],
        description=GENERATION,
        response_model=Result,
        responses=generation_responses(),
        operation_id=path.strip("/").replace("/", "_").replace("-", "_"),
        **options,
    )


def _json_endpoint(kind: Kind, model_of_body: type[Body], model: type[CommonRequest]) -> Endpoint:
    async def generate(context: ApiContext, request: Request, body: Any, accept: Accept = None) -> Response:
        responder = LegacyResponder(kind, context, request, model, accept)
        accepted = await responder.submit(Sent(await request.json(), body))
        free_body(request, body)
        return await responder.respond(accepted) if isinstance(accepted, Task) else accepted

    generate.__annotations__["body"] = Annotated[model_of_body, JsonBody()]
    return generate


def _form_endpoint(kind: Kind, bodies: Bodies, model: type[CommonRequest]) -> Endpoint:
    async def generate(context: ApiContext, request: Request, accept: Accept = None) -> Response:
        responder = LegacyResponder(kind, context, request, model, accept)
        with BODY_BUDGET.reservation() as reservation:
            form = await read_form(request, reservation)
            _leave_out_invalid(form, bodies.advanced)
            try:
                body = bodies.of_kind[kind].model_validate(form.members)
            except ValidationError as error:
                raise RequestValidationError(error.errors()) from error
            accepted = await responder.submit(Sent(form.members, body, tuple(form.ignored), is_form=True))
            del form, body  # the images, before the wait for the result
        return await responder.respond(accepted) if isinstance(accepted, Task) else accepted

    return generate


def _leave_out_invalid(form: Form, advanced: type[Body]) -> None:
    """Remove a form's `advanced_params` if one of them is invalid: Fooocus-API uses its defaults in place of all then."""
    try:
        if "advanced_params" in form.members:
            advanced.model_validate(form.members["advanced_params"])
    except ValidationError:
        del form.members["advanced_params"]
        form.ignored.append("advanced_params")
