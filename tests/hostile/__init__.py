"""Input that is broken or means harm, each piece with a name and what must be answered. Runs on the demo host always, and on
FOOOCUS_HOME when set."""
