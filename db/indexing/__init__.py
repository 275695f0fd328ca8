"""Background building of the index of words."""
