"""Numbers, measured side by side with the bare host in one run, and printed."""
