"""Responses: problem documents, images, events, public URLs."""
