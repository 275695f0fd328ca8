"""Requests, answers, errors and event streams, without any input or output."""

VERSION = "0.2.0"
