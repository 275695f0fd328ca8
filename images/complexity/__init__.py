"""Checks of image files that would keep a decoder busy, before they are decoded."""
