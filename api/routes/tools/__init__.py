"""Other uses of the models than generating images, in turn with the tasks: describe, mask, unload."""
