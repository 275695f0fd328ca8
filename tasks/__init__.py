"""The domain: tasks, their events and their life cycle. Independent of HTTP and Fooocus."""
