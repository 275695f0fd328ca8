"""Environments for the repository's own programs: demo, tests and benchmarks."""
