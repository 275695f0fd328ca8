"""The process's one random generator, with torch's names: nothing seeds it but the prompt expansion."""
import struct

import numpy as np

_MT19937 = 'MT19937'
_generator = np.random.RandomState()


def get_rng_state() -> np.ndarray:
    """Return the generator's state as uint8, as torch does."""
    _, key, position, has_gauss, gauss = _generator.get_state()
    return np.frombuffer(key.tobytes() + struct.pack('<iid', position, has_gauss, gauss), np.uint8).copy()


def set_rng_state(state: np.ndarray) -> None:
    content = state.tobytes()
    position, has_gauss, gauss = struct.unpack('<iid', content[-16:])
    _generator.set_state((_MT19937, np.frombuffer(content[:-16], np.uint32), position, has_gauss, gauss))


def from_numpy(array: np.ndarray) -> np.ndarray:
    return array


def manual_seed(seed: int) -> None:
    _generator.seed(seed % 2 ** 32)


def randn(*shape: int) -> np.ndarray:
    return _generator.standard_normal(shape)
