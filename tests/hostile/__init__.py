"""Broken and malicious input, each with its expected status. Run on the demo host always, and on FOOOCUS_HOME if set."""
