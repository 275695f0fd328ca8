"""Parts of the checkpoints: the UNet, the text encoders and the VAE."""
