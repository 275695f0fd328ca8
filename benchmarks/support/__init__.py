"""Parts that several benchmarks share: the bare host, subscribers, an engine without work, and a long history."""
