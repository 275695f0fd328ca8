"""Placement of the extension's folder in a checkout, and of the startup hook in an interpreter."""
