"""The synchronous client. The asynchronous one, `aio/`, is written from this package by client/scripts/write_async.py."""
