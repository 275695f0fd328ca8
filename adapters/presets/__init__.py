"""The files of presets that the API writes, and the WebUI's menu of presets."""
