"""API keys in requests and responses: their scopes and limits."""

from __future__ import annotations

from collections.abc import Collection

from pydantic import BaseModel, Field

from ....auth.keys import KeyQuota, Scope

MAX_LIMIT = 10**9 - 1


class Limits(BaseModel):
    """The limits of a key; null for none."""

    model_config = {"extra": "forbid"}

    requests_per_minute: int | None = Field(default=None, ge=1, le=MAX_LIMIT, description="Requests per minute.")
    pending_tasks: int | None = Field(default=None, ge=1, le=MAX_LIMIT, description="Tasks that may wait.")
    images_per_day: int | None = Field(
        default=None, ge=1, le=MAX_LIMIT, description="Images that may be requested per day, from 00:00 UTC."
    )

    def as_quota(self) -> KeyQuota:
        """Return the limits as a key has them."""
        return KeyQuota(self.requests_per_minute, self.pending_tasks, self.images_per_day)


def limits_of(quota: KeyQuota) -> Limits:
    """Return a key's limits for a response."""
    return Limits(
        requests_per_minute=quota.requests_per_minute,
        pending_tasks=quota.pending_tasks,
        images_per_day=quota.images_per_day,
    )


def scopes_of(scopes: Collection[Scope]) -> list[Scope]:
    """Return scopes in their usual order."""
    return [scope for scope in Scope if scope in scopes]
