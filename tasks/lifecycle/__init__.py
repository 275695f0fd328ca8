"""The life cycle of a task: worker events, its end, its files, recovery after a crash, and metrics."""
