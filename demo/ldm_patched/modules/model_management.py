"""Memory figures, loaded models and the global interrupt flag. Uses torch and psutil where they are installed."""
import os
import threading
from types import SimpleNamespace

from ldm_patched.modules.args_parser import args

try:
    import torch
except ImportError:
    torch = None
try:
    import psutil
except ImportError:
    psutil = None

on_gpu = torch is not None and not args.always_cpu and torch.cuda.is_available()
current_loaded_models: list = []  # the next task reloads a model that was removed from it


def get_torch_device():
    if torch is None:
        return SimpleNamespace(type='cpu', index=None)
    return torch.device(torch.cuda.current_device()) if on_gpu else torch.device('cpu')


def get_torch_device_name(device) -> str:
    name = f':{device.index} {torch.cuda.get_device_name(device)}' if device.type == 'cuda' else ''
    return device.type + name


def get_total_memory(dev=None, torch_total_too=False):
    """Return the bytes of the GPU's memory, or else of the machine's (0 where the system does not report them)."""
    if (dev or get_torch_device()).type == 'cuda':
        total = torch.cuda.mem_get_info(dev)[1]
    else:
        total = psutil.virtual_memory().total if psutil else _pages('SC_PHYS_PAGES')
    return (total, total) if torch_total_too else total


def get_free_memory(dev=None, torch_free_too=False):
    """Return the free bytes of the same memory."""
    if (dev or get_torch_device()).type == 'cuda':
        free = torch.cuda.mem_get_info(dev)[0]
    else:
        free = psutil.virtual_memory().available if psutil else _pages('SC_AVPHYS_PAGES')
    return (free, free) if torch_free_too else free


def _pages(name: str) -> int:
    try:
        return os.sysconf(name) * os.sysconf('SC_PAGE_SIZE')
    except (AttributeError, ValueError, OSError):  # Windows, macOS
        return 0


def soft_empty_cache(force=False):
    if on_gpu:
        torch.cuda.empty_cache()
        torch.cuda.ipc_collect()


def unload_all_models():
    current_loaded_models.clear()
    soft_empty_cache()


total_vram = get_total_memory(get_torch_device()) / (1024 * 1024)
total_ram = get_total_memory(SimpleNamespace(type='cpu')) / (1024 * 1024)
print(f'Total VRAM {total_vram:0.0f} MB, total RAM {total_ram:0.0f} MB')


class InterruptProcessingException(Exception):
    pass


interrupt_processing_mutex = threading.RLock()
interrupt_processing = False


def interrupt_current_processing(value=True):
    global interrupt_processing
    with interrupt_processing_mutex:
        interrupt_processing = value


def processing_interrupted():
    with interrupt_processing_mutex:
        return interrupt_processing


def throw_exception_if_processing_interrupted():
    """Raise before a step if the flag is set. The flag is global: it interrupts the next sampler of any task."""
    global interrupt_processing
    with interrupt_processing_mutex:
        if interrupt_processing:
            interrupt_processing = False
            raise InterruptProcessingException()
