"""Start script of the packaged install. The real one updates the checkout first; the demo has nothing to update."""
import os
import sys

root = os.path.dirname(os.path.abspath(__file__))
sys.path.append(root)
os.chdir(root)

from launch import *  # noqa: E402, F403
