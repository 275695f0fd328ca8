"""Control of many tasks at once: moves in the queue, actions by id, tags, and the pause."""
