"""The engine's parser, with the flag names of the real host. Most are accepted and have no effect on numpy."""
import argparse

parser = argparse.ArgumentParser()

parser.add_argument('--listen', type=str, default='127.0.0.1', metavar='IP', nargs='?', const='0.0.0.0')
parser.add_argument('--port', type=int, default=8188)
parser.add_argument('--disable-header-check', type=str, default=None, metavar='ORIGIN', nargs='?', const='*')
parser.add_argument('--web-upload-size', type=float, default=100)
parser.add_argument('--hf-mirror', type=str, default=None)
parser.add_argument('--external-working-path', type=str, default=None, metavar='PATH', nargs='+',
                    action='append')
parser.add_argument('--output-path', type=str, default=None)
parser.add_argument('--temp-path', type=str, default=None)
parser.add_argument('--cache-path', type=str, default=None)
parser.add_argument('--gpu-device-id', type=int, default=None, metavar='DEVICE_ID')
parser.add_argument('--directml', type=int, nargs='?', metavar='DIRECTML_DEVICE', const=-1)
parser.add_argument('--preview-option', choices=['none', 'auto', 'fast', 'taesd'], default='none')

for name in ('in-browser', 'disable-in-browser', 'disable-attention-upcast', 'vae-in-cpu', 'debug-mode',
             'disable-ipex-hijack', 'disable-xformers', 'always-offload-from-vram', 'pytorch-deterministic',
             'disable-server-log', 'disable-server-info', 'is-windows-embedded-python', 'multi-user'):
    parser.add_argument(f'--{name}', action='store_true')

for names in (('async-cuda-allocation', 'disable-async-cuda-allocation'),
              ('all-in-fp32', 'all-in-fp16'),
              ('unet-in-bf16', 'unet-in-fp16', 'unet-in-fp8-e4m3fn', 'unet-in-fp8-e5m2'),
              ('vae-in-fp16', 'vae-in-fp32', 'vae-in-bf16'),
              ('clip-in-fp8-e4m3fn', 'clip-in-fp8-e5m2', 'clip-in-fp16', 'clip-in-fp32'),
              ('attention-split', 'attention-quad', 'attention-pytorch'),
              ('always-gpu', 'always-high-vram', 'always-normal-vram', 'always-low-vram', 'always-no-vram')):
    group = parser.add_mutually_exclusive_group()
    for name in names:
        group.add_argument(f'--{name}', action='store_true')
group.add_argument('--always-cpu', type=int, nargs='?', metavar='CPU_NUM_THREADS', const=-1)

args = parser.parse_args([])
