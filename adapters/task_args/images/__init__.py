"""The images among a task's arguments: files as arrays, inpaint masks, and the masks of the WebUI."""
