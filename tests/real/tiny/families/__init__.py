"""The families of models: a function of each writes the files of one feature into a checkout."""
