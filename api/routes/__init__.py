"""API endpoints, one module per subject."""
