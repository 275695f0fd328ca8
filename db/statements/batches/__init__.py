"""Batches, their rows and their messages. Functions for `Repository.write` and `Repository.read`."""
