"""API keys and their file, rate limits, signed URLs and tokens. Imports no other package but `files`."""
