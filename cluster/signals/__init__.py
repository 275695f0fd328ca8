"""Signals between the processes of a cluster, over PostgreSQL's LISTEN and NOTIFY."""
