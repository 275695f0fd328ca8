"""Parts of the WebUI: functions that make controls and return them, and the handlers of its events."""
