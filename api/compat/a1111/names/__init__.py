"""Names of models, samplers and schedulers as AUTOMATIC1111's clients write them."""
