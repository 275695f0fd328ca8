"""Types of what a client sends and receives."""
