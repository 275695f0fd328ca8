"""Gradio's server and its app: the API's place on it, logins, files, forms, and Windows's event loop."""
