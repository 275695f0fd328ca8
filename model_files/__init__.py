"""Model files by themselves: safe names, kinds of formats, the header of safetensors. Independent of tasks and HTTP."""
