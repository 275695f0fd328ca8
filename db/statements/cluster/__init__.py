"""Statements about the processes of a cluster."""
