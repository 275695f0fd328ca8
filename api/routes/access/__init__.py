"""The rights of clients: sessions of browsers, and API keys."""
