"""The dashboard, a page in a browser, and the link to it from Fooocus's WebUI."""
