"""The asynchronous client, written from `sync/` by client/scripts/write_async.py."""
