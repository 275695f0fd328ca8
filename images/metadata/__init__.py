"""Generation parameters in image files and pasted texts, of Fooocus and of other programs. Decodes no pixels; bounded."""
