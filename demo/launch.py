"""Start of the demo host. Runs twice, like the real one: as __main__, and as `launch` by webui.py's import."""
import os
import sys

root = os.path.dirname(os.path.abspath(__file__))
sys.path.append(root)
os.chdir(root)
os.environ.setdefault('GRADIO_SERVER_PORT', '7865')

import fooocus_version  # noqa: E402
from modules.launch_util import delete_folder_content  # noqa: E402


def prepare_environment():
    """Print the versions. The real host also installs packages; the demo expects those of requirements.txt."""
    print(f'Python {sys.version}')
    print(f'Demo host version: {fooocus_version.version}')


def ini_args():
    from args_manager import args
    return args


prepare_environment()
args = ini_args()

if args.gpu_device_id is not None:
    os.environ['CUDA_VISIBLE_DEVICES'] = str(args.gpu_device_id)

from modules import config  # noqa: E402

os.environ['GRADIO_TEMP_DIR'] = config.temp_path

if config.temp_path_cleanup_on_launch:
    print(f'[Cleanup] Emptying {config.temp_path}')
    delete_folder_content(config.temp_path, '[Cleanup] ')

config.update_files()

from webui import *  # noqa: E402, F403
