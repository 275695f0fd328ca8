"""Exact repetition of tasks: the recording of their runs, and the comparison of a recorded run with one of today."""
