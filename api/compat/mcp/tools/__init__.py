"""The tools: what they take, do and return."""
