"""The choice of the next task for a free node, and its claim."""
