"""Notations of generation parameters: Fooocus's JSON, the text of A1111 and its kin, and those of other programs."""
