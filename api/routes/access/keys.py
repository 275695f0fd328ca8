"""`/v1/keys`: the API keys, which `extension.py keys` manages as well."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Path, Request, Response
from pydantic import AfterValidator, BaseModel, Field
from pydantic_core import PydanticCustomError

from ....asgi.error_codes import ErrorCode, FieldErrorCode
from ....asgi.problem import shortened
from ....auth.key_file import KeyFileUnavailable, NameTaken, UnknownKey
from ....auth.keys import NAME, USUAL_SCOPES, BrokenKeys, Key, Scope, check_name
from ....tasks.service import DatabaseUnavailable
from ...context import ApiContext, Context
from ...requests.json_body import JsonRoute
from ...responses.problems import FieldError, InvalidFields, Problem, keys_problem, responses
from ...security.authorization import Access, access_of, require_scope
from ...security.exposure import KEY_IF_EXPOSED
from .key_fields import Limits, limits_of, scopes_of

log = logging.getLogger("fooocus_api.keys")

MAX_NAME_LENGTH = 40


def _checked(name: str) -> str:
    try:
        return check_name(name)
    except ValueError as error:
        raise PydanticCustomError("key_name", "{problem}", {"problem": str(error)}) from error


class NewKey(BaseModel):
    """A key to create."""

    model_config = {"extra": "forbid"}

    name: Annotated[str, AfterValidator(_checked)] = Field(
        max_length=MAX_NAME_LENGTH,
        json_schema_extra={"pattern": f"^{NAME.pattern}$"},
        description="Its name, and the `source` of its tasks: 1 to 40 letters, digits, `.`, `_` and `-`, the first a letter or "
        "digit.",
    )
    scopes: list[Scope] = Field(
        default_factory=lambda: scopes_of(USUAL_SCOPES),
        min_length=1,
        max_length=20,
        description="Its scopes: those of the request's own key, or fewer. Default: generate, read and control.",
    )
    limits: Limits = Field(
        default_factory=Limits,
        description="Its limits; each that the request's own key has is at most that. Default: none.",
    )


class KeyEntry(BaseModel):
    """A key without its secret."""

    name: str = Field(description="Its name, and the `source` of its tasks.")
    scopes: list[Scope] = Field(description="Its scopes.")
    limits: Limits = Field(description="Its limits; null for none.")
    created: str | None = Field(description="The time of its creation in ISO 8601; null for one of the command line.")
    origin: Literal["file", "command_line"] = Field(
        description="`file`: created here or by `extension.py keys`; `command_line`: given with `--apikey`."
    )
    revocable: bool = Field(description="True if this client may revoke it.")
    sessions: int = Field(description="The number of browsers that it has signed in.")


class KeyList(BaseModel):
    """All keys."""

    needed: bool = Field(description="True if requests need a key.")
    keys: list[KeyEntry] = Field(description="Those of the command line, then the others, the oldest first.")


class CreatedKey(KeyEntry):
    """A new key with its secret, which is shown once: only its hash is stored."""

    key: str = Field(description="The secret that clients send.")
    first: bool = Field(description="True if no request needed a key before.")


class RevokedKey(BaseModel):
    """A key that is gone."""

    name: str = Field(description="Its name. Its tasks stay, and belong to a new key of the same name.")
    sessions_ended: int = Field(description="The number of browsers that it had signed in.")


router = APIRouter(tags=["keys"], route_class=JsonRoute, dependencies=[require_scope(Scope.ADMIN), KEY_IF_EXPOSED])


@router.get("/v1/keys", summary="List the API keys", response_model=KeyList, responses=responses(401, 503))
async def get_keys(context: ApiContext, request: Request) -> Any:
    """Return the keys with their rights. No secret is returned, as none is stored."""
    keys, access = context.security.keys, access_of(request)
    stored = await asyncio.to_thread(_stored, context)
    numbers = await context.security.sessions.numbers([*keys.fixed, *stored])
    fixed = [_entry(key, access, number, fixed=True) for key, number in zip(keys.fixed, numbers, strict=False)]
    rest = [
        _entry(key, access, number, fixed=False) for key, number in zip(stored, numbers[len(keys.fixed) :], strict=True)
    ]
    return KeyList(needed=keys.needed(), keys=[*fixed, *rest])


@router.post(
    "/v1/keys",
    status_code=201,
    summary="Create an API key",
    response_model=CreatedKey,
    responses=responses(401, 403, 409, 422, 503),
)
def add_key(context: ApiContext, request: Request, response: Response, body: Annotated[NewKey, Body()]) -> Any:
    """Create a key and return its secret, this once. It has at most the scopes and the limits of the request's own key. From the
    first key on, every request needs one, the dashboard's as well; Fooocus's WebUI needs none. So the first one needs `admin`.

    The tasks of an earlier key of this name belong to the new one: that needs `read-all`."""
    keys, access = context.security.keys, access_of(request)
    _check_rights(access, frozenset(body.scopes))
    had_keys = keys.needed()
    if errors := [*_beyond(access, body.limits), *_missing_admin(body, is_first=not had_keys)]:
        raise InvalidFields(errors)
    if not access.sees_all and access.source != body.name and context.services.ownership.is_used(body.name):
        message = f"name {body.name} has tasks of an earlier key, which this key may not see; choose another name"
        raise Problem(ErrorCode.INSUFFICIENT_SCOPE, message, scope=Scope.READ_ALL.value)
    if any(key.name == body.name for key in keys.fixed):
        raise _name_taken(body.name)
    try:
        added = keys.source.add(body.name, frozenset(body.scopes), body.limits.as_quota())
    except NameTaken as error:
        raise _name_taken(body.name) from error
    except (BrokenKeys, KeyFileUnavailable) as error:
        raise keys_problem(error) from error
    response.headers["Cache-Control"] = "no-store"
    entry = _entry(added.key, access, 0, fixed=False)
    return CreatedKey(**dict(entry), key=added.text, first=not had_keys)


@router.delete(
    "/v1/keys/{name}",
    summary="Revoke an API key",
    response_model=RevokedKey,
    responses=responses(401, 403, 404, 409, 503),
)
async def revoke_key(
    context: ApiContext, request: Request, name: Annotated[str, Path(description="The name of the key.")]
) -> Any:
    """Revoke a key, which has no more scopes than the request's own. Its open streams end within half a second, its sessions with
    it. The last one with the scope `admin` stays, as only the command could create another one."""
    keys, access = context.security.keys, access_of(request)

    def remove() -> Key:
        gone: list[Key] = []

        def check(key: Key, left: list[Key]) -> None:
            _check_rights(access, key.scopes)
            if not any(Scope.ADMIN in each.scopes for each in (*keys.fixed, *left) if each.name != name):
                message = f"key {name} is the last one with the scope 'admin'; create another one first"
                raise Problem(ErrorCode.LAST_ADMIN_KEY, message)
            gone.append(key)

        keys.source.remove(name, check)
        return gone[-1]

    try:
        key = await asyncio.to_thread(remove)
    except UnknownKey as error:
        if any(fixed.name == name for fixed in keys.fixed):
            message = f"key {shortened(name)} was given with --apikey; restart Fooocus without it"
            raise Problem(ErrorCode.KEY_FIXED, message) from error
        message = f"key {shortened(name)} does not exist; GET /v1/keys lists the keys"
        raise Problem(ErrorCode.KEY_NOT_FOUND, message) from error
    except (BrokenKeys, KeyFileUnavailable) as error:
        raise keys_problem(error) from error
    sessions, number = context.security.sessions, 0
    try:
        (number,) = await sessions.numbers([key])
        await sessions.close_all(key)
    except DatabaseUnavailable as error:  # the rows stay, but open nothing: they have no key any more
        log.warning("sessions of a revoked key stay in the history", extra={"error": str(error)})
    return RevokedKey(name=name, sessions_ended=number)


def _stored(context: Context) -> Sequence[Key]:
    try:
        return context.security.keys.stored()
    except BrokenKeys as error:
        raise keys_problem(error) from error


def _entry(key: Key, access: Access, sessions: int, *, fixed: bool) -> KeyEntry:
    return KeyEntry(
        name=key.name,
        scopes=scopes_of(key.scopes),
        limits=limits_of(key.limits),
        created=key.created or None,
        origin="command_line" if fixed else "file",
        revocable=not fixed and not _lacking(access, key.scopes),
        sessions=sessions,
    )


def _lacking(access: Access, scopes: frozenset[Scope]) -> list[Scope]:
    """Return those of the scopes that the client lacks, in their usual order."""
    return [scope for scope in scopes_of(scopes) if not access.may(scope)]


def _check_rights(access: Access, scopes: frozenset[Scope]) -> None:
    """Refuse to give or take more rights than the client has: `admin` alone is often the scope of a program that reads metrics.

    Raises:
        Problem: 403, naming the first scope that the client lacks.
    """
    if lacking := _lacking(access, scopes):
        scope = lacking[0].value
        message = f"key lacks the scope '{scope}', so it can't give or revoke it; use a key that has it"
        raise Problem(ErrorCode.INSUFFICIENT_SCOPE, message, scope=scope)


def _missing_admin(body: NewKey, *, is_first: bool) -> Iterator[FieldError]:
    """Yield an error if the first key could not manage the keys: from then on, no request could."""
    if is_first and Scope.ADMIN not in body.scopes:
        message = "lacks 'admin'; add it to the first key, as without it none can manage the keys"
        yield FieldError(field="scopes", code=FieldErrorCode.REQUIRED, message=message)


def _beyond(access: Access, limits: Limits) -> Iterator[FieldError]:
    """Yield the limits that are missing or above those of the client's own key."""
    wanted = limits.model_dump()
    for name, own in asdict(access.limits).items():
        if own is not None and (wanted[name] is None or wanted[name] > own):
            message = f"is above that of the request's own key; set it to at most {own}"
            yield FieldError(field=f"limits.{name}", code=FieldErrorCode.OUT_OF_RANGE, message=message)


def _name_taken(name: str) -> Problem:
    message = f"key {name} exists already; choose another name, or revoke it first"
    return Problem(ErrorCode.KEY_EXISTS, message)
