"""Requests that generate an image or a task again, and what would make their pixels differ."""
