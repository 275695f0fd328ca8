"""The queue as a whole: its state, its pause, statistics, and notices of them for event streams."""
