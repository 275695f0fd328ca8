"""The live bar of a task or a batch, and the question at Ctrl-C."""
