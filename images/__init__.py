"""Image files: decoding, formats, conversion, the input store, lookup by name. Independent of tasks and HTTP."""
