"""`POST /v1/batches`: thousands of requests at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache, partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError

from ....asgi.error_codes import FieldErrorCode
from ....auth.keys import Scope
from ....outbound.pinned_connection import BlockedAddress, OutboundError
from ....tasks.batches.creation import MAX_STORED_BYTES
from ....tasks.batches.model import NewBatch
from ....tasks.queue.submission import Idempotency
from ...context import Context
from ...executors import BATCH_EXECUTOR, run_in
from ...requests.batches.body import CSV, JSON, MAX_BODY_BYTES, kind_of, read_body
from ...requests.batches.combinations import Combination, combinations
from ...requests.batches.csv_rows import csv_rows
from ...requests.batches.images import BatchImages
from ...requests.batches.json_lines import MAX_LINE_BYTES, json_lines
from ...requests.batches.row_errors import MAX_ROWS, RawRow, check_lines
from ...requests.batches.rows import RowChecker
from ...requests.headers.idempotency import MAX_KEY_LENGTH, idempotency_of
from ...requests.image_sources import ImageResolver
from ...requests.json_body import read_json
from ...requests.memory_budget import BODY_BUDGET
from ...requests.parameter_names import NamingRoute, unknown_name, unknown_names
from ...responses.problems import InvalidFields, field_error, header, invalid_field, responses
from ...schemas.batch import BatchResponse, batch_record, path_of
from ...schemas.generate import CommonRequest
from ...schemas.host_request import request_model
from ...security.authorization import access_of, may_see_image, require_scope
from ...validation.validation import is_http_url

Encoding = Literal["utf-8", "utf-16", "gbk", "gb18030", "big5", "shift_jis", "euc_kr", "cp1252"]
PARAMETERS = ("skip_invalid", "encoding", "webhook_url")
DESCRIPTION = f"""Accepts up to {MAX_ROWS:,} requests at once and answers with the batch's id. The rows are queued a few at a time
with the lowest priority, so that other tasks overtake them; each is charged to the key's quota when it is queued, and waits while
the quota is used up. The body is one of:

- `application/x-ndjson`: each line is the body of a generate request, which may have a `custom_id`; or
  `{{"custom_id": …, "body": {{…}}}}`.
- `text/csv`: the first line names fields and `custom_id`, each further line is a request. Empty cells are not given; lists are
  JSON or texts separated by `|`, objects are JSON. The delimiter is a comma, a semicolon or a tab.
- `application/json`: one request, and lists of values to combine with it.

All rows are checked before any is queued. Limits: {MAX_BODY_BYTES // 2**20} MiB, and {MAX_LINE_BYTES // 2**10} KiB for a line,
or for a combination without its images; what the rows have that the first has not may be
{MAX_STORED_BYTES // 2**20} MiB together."""
TEXT = {"schema": {"type": "string"}}
CONTENT: dict[str, Any] = {
    "application/json": {"schema": {"$ref": f"#/components/schemas/{Combination.__name__}"}},
    "application/x-ndjson": {**TEXT, "example": '{"custom_id": "cat", "prompt": "a cat"}\n{"prompt": "a dog"}\n'},
    "text/csv": {**TEXT, "example": "custom_id,prompt,image_seed\ncat,a cat,1\ndog,a dog,2\n"},
}


def router(context: Context) -> APIRouter:
    """Return the router, with a request model built for the running host when the first batch comes."""
    routes = APIRouter(tags=["batches"], route_class=NamingRoute, dependencies=[require_scope(Scope.GENERATE)])
    model = cache(partial(request_model, context))

    @routes.post(
        "/v1/batches",
        summary="Send a batch",
        description=DESCRIPTION,
        status_code=202,
        response_model=BatchResponse,
        responses={
            **responses(401, 413, 415, 422, 429, 503),
            202: {
                "description": "The batch is stored, and its rows are being queued.",
                "headers": {
                    "Location": header("The URL of the batch.", required=True),
                    "Idempotency-Replayed": header("`true` if the batch is that of an earlier request.", enum=["true"]),
                },
            },
        },
        openapi_extra={"requestBody": {"required": True, "content": CONTENT}},
    )
    async def create_batch(
        request: Request,
        skip_invalid: Annotated[
            bool, Query(description="Store invalid rows as failed ones in place of rejecting the batch.")
        ] = False,
        encoding: Annotated[Encoding, Query(description="The encoding of a CSV file.")] = "utf-8",
        webhook_url: Annotated[
            str,
            Query(max_length=2000, description="An http(s) URL that receives the batch's record when it has ended."),
        ] = "",
        idempotency_key: Annotated[
            str | None,
            Header(
                description=f"A text of up to {MAX_KEY_LENGTH} characters that identifies this request. A repetition with the "
                "same body returns the first batch.",
                json_schema_extra={"minLength": 1, "maxLength": MAX_KEY_LENGTH, "pattern": r"\S"},
            ),
        ] = None,
    ) -> Response:
        """Store a batch."""
        _check_names(request)
        kind = kind_of(request)
        with BODY_BUDGET.reservation() as reservation:
            body = await read_body(request, reservation)
            sent = _Sent(context, request, kind, encoding, webhook_url)
            return await run_in(BATCH_EXECUTOR, sent.create, body, model, skip_invalid, idempotency_key)

    return routes


class _Sent:
    """One request to create a batch. Off the event loop."""

    def __init__(self, context: Context, request: Request, kind: str, encoding: str, webhook_url: str) -> None:
        self._context = context
        self._request = request
        self._kind = kind
        self._encoding = encoding
        self._webhook_url = webhook_url.strip()

    def create(self, body: bytearray, model: Any, skip_invalid: bool, key: str | None) -> Response:
        source, batches = access_of(self._request).source, self._context.services.batches
        idempotency = self._idempotency(key, source, body, skip_invalid)
        if idempotency is not None and (earlier := batches.creation.find_replay(idempotency)) is not None:
            return self._answer(earlier, is_replay=True)
        self._check_webhook()
        fields: type[CommonRequest] = model()
        host = self._request.headers.get("host")
        resolver = ImageResolver(self._context, host, may_see=may_see_image(self._context, self._request))
        images = BatchImages(resolver)
        checker = RowChecker(self._context, self._request, fields, images, all_rows=skip_invalid)
        rows = checker.check(self._rows(body, fields, images))
        if checker.invalid.rows and (not skip_invalid or checker.invalid.rows == len(rows)):
            raise checker.invalid.problem()
        if not rows:
            raise invalid_field("body", FieldErrorCode.REQUIRED, "has no rows; send at least one")
        held = images.hold()
        base = self._context.urls(self._request).base
        new = NewBatch(source, rows, images.inputs, self._webhook_url, base)
        try:
            batch, is_replay = batches.creation.create(new, idempotency)
        except BaseException:
            self._context.inputs.drop(held)
            raise
        self._context.inputs.keep(held)
        return self._answer(batch, is_replay=is_replay)

    def _rows(self, body: bytearray, model: type[CommonRequest], images: BatchImages) -> Iterable[RawRow]:
        if self._kind != JSON:
            check_lines(body)
        if self._kind == CSV:
            return csv_rows(body, self._encoding, model)
        if self._kind != JSON:
            return json_lines(body)
        content = read_json(body)
        try:
            return combinations(Combination.model_validate(content), list(model.model_fields), images)
        except ValidationError as error:
            items = error.errors(include_url=False, include_input=False)
            raise InvalidFields(field_error({**item, "loc": ("body", *item["loc"])}) for item in items) from error

    def _idempotency(self, key: str | None, source: str, body: bytearray, skip_invalid: bool) -> Idempotency | None:
        if key is None:
            return None
        digest = hashlib.sha256(body).hexdigest()
        return idempotency_of(key, source, [digest, self._kind, self._encoding, self._webhook_url, skip_invalid])

    def _check_webhook(self) -> None:
        url = self._webhook_url
        if url and not is_http_url(url):
            message = "must be an http:// or https:// URL, such as https://example.com/hook"
            raise invalid_field("webhook_url", FieldErrorCode.INVALID_FORMAT, message)
        try:
            if url:
                self._context.outbound.validate_url(url)
        except BlockedAddress as error:
            raise invalid_field("webhook_url", FieldErrorCode.BLOCKED_ADDRESS, str(error)) from error
        except OutboundError:
            pass  # the host can't be resolved now, but perhaps when the batch ends

    def _answer(self, batch: Any, *, is_replay: bool) -> Response:
        urls = self._context.urls(self._request)
        headers = {"Location": f"{urls.base}{path_of(batch)}"}
        if is_replay:
            headers["Idempotency-Replayed"] = "true"
        return JSONResponse(batch_record(self._context.services.batches.view(batch), urls), 202, headers=headers)


def _check_names(request: Request) -> None:
    """Reject unknown query parameters: a misspelt one would change what thousands of rows do.

    Raises:
        InvalidFields: names each of them.
    """
    unknown = unknown_names(request.query_params, PARAMETERS)
    if unknown:
        raise InvalidFields(unknown_name(name, PARAMETERS, "query parameter") for name in unknown[:10])
