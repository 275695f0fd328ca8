"""What `extension.py` does beside starting Fooocus, one module for each command. Without a running Fooocus.

A module has `HELP`, `add_arguments(parser)` and `run(arguments, place) -> exit status`; it may raise `CommandError`.
"""

COMMANDS = {"import": "import_history"}
"""Name on the command line → module in this room."""
