"""Request parsing: bodies, names, images, timestamps, and the preparation of a task."""
