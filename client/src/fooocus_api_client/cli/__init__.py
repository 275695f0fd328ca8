"""The command line `fooocus`."""
