"""The Model Context Protocol at `/mcp`, by which language models generate images."""
