"""Startup and shutdown of the process: launch flags, console text and log lines, warnings, signals."""
