"""Flags of the application, added to the engine's parser. The import parses the command line."""
import os

import ldm_patched.modules.args_parser as args_parser

add = args_parser.parser.add_argument
add('--share', action='store_true', help='open a public Gradio link')
add('--preset', type=str, default=None, help='start with presets/NAME.json')
add('--language', type=str, default='default', help='accepted, without effect in the demo')
add('--theme', type=str, default=None, help='accepted, without effect in the demo')
for flag, about in {
    '--disable-preset-selection': 'no preset menu',
    '--disable-offload-from-vram': 'keep models in VRAM',
    '--disable-image-log': 'write images to the temp folder, and no log',
    '--disable-analytics': 'no Gradio analytics',
    '--disable-metadata': 'no metadata in images',
    '--disable-preset-download': 'accepted: the demo downloads nothing',
    '--disable-enhance-output-sorting': 'leave enhanced images in the order they were made',
    '--enable-auto-describe-image': 'accepted, without effect in the demo',
    '--always-download-new-model': 'accepted: the demo downloads nothing',
}.items():
    add(flag, action='store_true', help=about)
add('--rebuild-hash-cache', type=int, nargs='?', const=-1, metavar='CPU_NUM_THREADS',
    help='accepted: there is no cache')


def milliseconds(text: str) -> int:
    value = int(text)
    if value < 0:
        raise ValueError(text)
    return value


def size(text: str) -> tuple[int, int]:
    width, height = (int(side) for side in text.split('x'))
    if min(width, height) < 1:
        raise ValueError(text)
    return width, height


add('--demo-step-ms', type=milliseconds, default=150, metavar='N',
    help='what a sampling step takes (150, 0 is allowed)')
add('--demo-load-ms', type=milliseconds, default=1500, metavar='N',
    help='what loading a checkpoint takes (1500)')
add('--demo-null', type=size, metavar='WxH',
    help='generate nothing: the time passes, and previews and images of this size come out')
add('--demo-photo', action='store_true',
    help='with --demo-null, images are like photos to an encoder, and log.html is written')
add('--demo-vae-noise', action='store_true',
    help='encoding an image adds visible noise that no seed determines, as a real VAE does in the last bits')
add('--demo-slow-disk', metavar='FILE',
    help='while FILE exists, an image that is being saved is a truncated file')
add('--demo-trace', metavar='FILE', help='note there when each task was taken, previewed and done')

args_parser.parser.set_defaults(disable_cuda_malloc=True, in_browser=True, port=None)
args_parser.args = args_parser.parser.parse_args()
args_parser.args.always_offload_from_vram = not args_parser.args.disable_offload_from_vram

if args_parser.args.disable_analytics:
    os.environ['GRADIO_ANALYTICS_ENABLED'] = 'False'

if args_parser.args.disable_in_browser:
    args_parser.args.in_browser = False

args = args_parser.args
