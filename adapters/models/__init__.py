"""The host's models and presets, their memory, and the tools that use them."""
