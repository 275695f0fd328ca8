"""Messages between the processes of a cluster: what they say, and to which of them."""
