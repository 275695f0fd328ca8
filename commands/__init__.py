"""Commands of `extension.py` other than starting Fooocus, one module each. They need no running Fooocus.

A module has `HELP`, `add_arguments(parser)` and `run(arguments, location) -> exit status`; it may raise `CommandError`.
`add_arguments` returns the parsers that get the flags for Fooocus's locations: its argument, or those of its subcommands.
"""

COMMANDS = {"import": "history_import.command", "keys": "keys"}
"""Name on the command line → module of this package."""
