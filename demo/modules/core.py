"""Encoding of images for the sampler. As in the real host, it adds noise from a generator that nothing seeds."""
import numpy as np

import args_manager
import modules.torch_generator as torch

NOISE = 4.0  # standard deviation of the noise, in steps of 256


def StableDiffusionModel():
    """Return an empty model, as the real host's class without arguments."""
    return None


def encode_vae(vae, pixels: np.ndarray, tiled=False) -> np.ndarray:
    """Return the image, uint8 HxWx3, with noise if --demo-vae-noise is given; the generator moves on in any case."""
    noise = torch.randn(*pixels.shape[:2], 1)
    if not args_manager.args.demo_vae_noise:
        return pixels
    return (pixels + noise * NOISE).clip(0, 255).round().astype(np.uint8)


def encode_vae_inpaint(vae, pixels: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the encoded image, and the mask as the share of the scene, HxWx1."""
    return encode_vae(vae, pixels), np.asarray(mask, np.float32)[..., None] / 255
