"""Shared parts of all commands: options, settings, errors and exit codes, the terminal."""
