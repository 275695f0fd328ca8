"""Files on disk, as Windows and others treat them. Stdlib only; every other room may import it."""
