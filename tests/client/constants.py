"""Values that the client's tests share."""

from __future__ import annotations

KEY = "a-key-of-the-tests"
QUICK = {"performance_selection": "Lightning", "overwrite_width": 256, "overwrite_height": 256}
"""Fields with which the demo generates in a moment."""
