"""The steps in which the worker handles a task."""
