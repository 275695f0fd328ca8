"""Messages between the processes of a cluster: their content, and their receivers."""
