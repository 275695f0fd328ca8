"""The engine of a cluster, which reaches the tasks of all nodes."""
