"""The nodes of a cluster: their register, heartbeats, and the caretaker."""
