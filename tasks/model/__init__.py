"""Tasks and events as values, the active tasks, and their database rows."""
