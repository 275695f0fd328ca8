"""The tasks of other processes, mirrored in memory."""
