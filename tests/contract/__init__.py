"""Requirements that a Fooocus must meet for the extension. Run on the demo host always, and on FOOOCUS_HOME if set."""
