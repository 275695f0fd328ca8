"""The nodes of a cluster as the host that the API knows."""
