"""File operations and path checks for Windows and other systems. Stdlib only; every other package may import it."""
