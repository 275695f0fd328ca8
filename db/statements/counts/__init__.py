"""Statements that count tasks for a calendar and for menus of filters. Run by the repository's `read`."""
