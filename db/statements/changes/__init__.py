"""Statements that change single values: settings, and tags of tasks."""
