"""The routes of tasks: records and their deletion, actions, live events, webhooks."""
