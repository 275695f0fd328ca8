"""ASGI building blocks that know neither the API nor Gradio."""
