"""The domain: tasks, their events and their life. Knows neither HTTP nor Fooocus."""
