"""The command line."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import torch

from .checkout import Checkout
from .table import FAMILIES


def main(description: str) -> None:
    """Write the families that the command line names."""
    args = parser(description).parse_args()
    if args.list or not args.fooocus_dir:
        for name, write in FAMILIES.items():
            print(f"{name:15} {(write.__doc__ or '').strip().splitlines()[0]}")
        return
    checkout = Checkout(Path(os.path.abspath(args.fooocus_dir)), args.force, args.nsfw)
    if not (checkout.root / "fooocus_version.py").exists():
        sys.exit(f"{checkout.root} is not a Fooocus checkout")
    enter(checkout.root)
    torch.set_grad_enabled(False)
    for name in args.only:
        print(name)
        FAMILIES[name](checkout)


def parser(description: str) -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("fooocus_dir", nargs="?")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=list(FAMILIES), default=list(FAMILIES))
    parser.add_argument("--force", action="store_true", help="write files that exist already again")
    parser.add_argument("--nsfw", choices=("all", "none"), default="all", help="what the safety checker flags")
    parser.add_argument("--list", action="store_true", help="list the families and stop")
    return parser


def enter(root: Path) -> None:
    """Make Fooocus's modules importable, as its launcher does: some shapes are taken from its own classes."""
    sys.path.insert(0, str(root))
    os.chdir(root)  # GroundingDINO's BERT is found in the current folder
    sys.argv = [sys.argv[0], "--always-cpu"]
    import args_manager  # noqa: F401  # parses the command line, which ldm_patched then goes by
