"""A process without Fooocus, torch or Gradio that serves the API, the dashboard and the guide for the nodes of a cluster."""
