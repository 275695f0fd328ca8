"""The disk of --demo-slow-disk FILE: what is saved while FILE exists stays truncated until FILE is gone."""
import os
import time

from PIL import Image

import args_manager

BEGINNING = b'\x89PNG\r\n\x1a\n\0\0\0\rIHDR'


def install(file: str) -> None:
    """Slow down every Image.save to a path in this process."""
    save = Image.Image.save

    def save_slowly(self, fp, *args, **options) -> None:
        if os.path.exists(file) and isinstance(fp, str):
            with open(fp, 'wb') as beginning:
                beginning.write(BEGINNING)
            while os.path.exists(file):
                time.sleep(0.01)
        save(self, fp, *args, **options)

    Image.Image.save = save_slowly


if args_manager.args.demo_slow_disk:
    install(args_manager.args.demo_slow_disk)
