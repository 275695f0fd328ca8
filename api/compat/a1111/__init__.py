"""The API of AUTOMATIC1111's WebUI: `/sdapi/v1` and `/controlnet`."""
