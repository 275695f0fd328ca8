"""`POST /v1/engine/generate` and its stream."""
