"""Routes of the catalog: all that requests may name."""
