"""The protocol without its tools: messages, versions, errors, calls and their progress."""
