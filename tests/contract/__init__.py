"""What every Fooocus must do for the extension to work on it. Runs on the demo host always, and on FOOOCUS_HOME when set."""
