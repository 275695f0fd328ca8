"""The fields of a request that change nothing: unknown ones, names of other APIs, and ineffective combinations."""
