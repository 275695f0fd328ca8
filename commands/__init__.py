"""What `extension.py` does beside starting Fooocus, one module for each command. Without a running Fooocus.

A module has `HELP`, `add_arguments(parser)` and `run(arguments, place) -> exit status`; it may raise `CommandError`.
`add_arguments` gives the parsers that take the flags which say where Fooocus keeps things: the one it got, or those of its own
commands.
"""

COMMANDS = {"import": "import_history", "keys": "keys"}
"""Name on the command line → module in this room."""
