"""Starts the deliveries of webhooks and of batches' messages, whose bodies the API makes."""

from __future__ import annotations

from functools import partial

from .context import Context


def start_deliveries(context: Context, url: str) -> None:
    """Start them. The URLs in the bodies begin with this address unless `--base-url` is given. Imports the routes."""
    from .routes.batches.batches import batch_body
    from .surfaces.webhooks import surface_webhook_body

    services = context.services
    services.webhooks.start(partial(surface_webhook_body, context, url))
    services.batches.messages.start(partial(batch_body, context, url))
