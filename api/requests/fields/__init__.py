"""The fields of a request that change nothing: unknown ones, other APIs' names for ours, and ineffective combinations."""
