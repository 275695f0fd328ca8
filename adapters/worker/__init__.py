"""The host's worker thread and its queue: patches, events, tasks and other jobs."""
