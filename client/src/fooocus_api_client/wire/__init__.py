"""Requests, answers, errors and event streams, without any input or output."""
