"""Worker events to subscribers: the bus, updates, and the broadcaster."""
