"""OpenAI's Images API: generations, edits, variations and models, as its clients send and read them."""
