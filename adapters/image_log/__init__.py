"""The day's `log.html`: entries that the host writes are stored at once, and the page is written from them at a small cost."""
