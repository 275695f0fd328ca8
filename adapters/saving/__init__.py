"""Images that are encoded and written off the worker's thread, and the order of its reports behind them."""
