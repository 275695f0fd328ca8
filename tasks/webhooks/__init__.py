"""Webhook deliveries: retries, one at a time for each receiver, signatures."""
