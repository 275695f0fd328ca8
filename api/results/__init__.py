"""Waits for the end of a task, of a tool, and of a stop."""
