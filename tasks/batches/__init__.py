"""Batches: thousands of requests that are queued in small portions, behind all other tasks."""
