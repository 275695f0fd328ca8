"""Helpers of launch.py that run before any other module of the host may be imported."""
import os
import shutil


def delete_folder_content(folder: str, prefix: str = '') -> bool:
    """Empty a folder, but keep the folder itself. Returns whether everything was deleted."""
    done = True
    for entry in os.scandir(folder):
        try:
            shutil.rmtree(entry.path) if entry.is_dir(follow_symlinks=False) else os.unlink(entry.path)
        except OSError as error:
            print(f'{prefix}Could not delete {entry.path}: {error}')
            done = False
    return done
