"""Command line of install.py: arguments in, exit status out, errors as one line."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from .check import check
from .checkout import find_checkout
from .development.run_benchmarks import run_benchmarks
from .development.run_demo import run_demo
from .development.run_demo_db import run_demo_db
from .development.run_nodes import asks_for_nodes, run_nodes
from .development.run_tests import run_tests
from .errors import InstallError
from .install import install
from .uninstall import uninstall

ROOT = Path(__file__).resolve().parent.parent
"""The folder of install.py: a clone, or the installed copy."""

USAGE = """install.py [FOOOCUS_DIR] [--cluster]
       install.py --uninstall [--purge] [FOOOCUS_DIR]
       install.py --check [FOOOCUS_DIR]
       install.py --demo [--nodes N [--api-db URL]] [launch flags]
       install.py --demo-db
       install.py --test [pytest arguments]
       install.py --bench [NAME ...]"""


def main(arguments: list[str]) -> int:
    """Run the command line.

    Returns:
        The exit status: 0 success, 1 failure (with the reason on stderr), 2 wrong usage, 130 interrupted;
        with --test it is pytest's, with --demo the demo's, with --bench the benchmarks'.
    """
    # Keep both streams in order for another program, and never fail because a character can't be printed.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(line_buffering=True, errors="replace")
    try:
        return dispatch(_parse(list(_apart(arguments))))
    except InstallError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130


def dispatch(options: argparse.Namespace) -> int:
    """Run the command that the options name, and return the exit status."""
    if options.demo is not None:
        run = run_nodes if asks_for_nodes(options.demo) else run_demo
        return run(ROOT, options.demo)
    if options.demo_db:
        return run_demo_db()
    if options.test is not None:
        return run_tests(ROOT, options.test)
    if options.bench is not None:
        return run_benchmarks(ROOT, options.bench)
    checkout = find_checkout(options.checkout, ROOT)
    if options.uninstall:
        return uninstall(checkout, purge=options.purge)
    if options.check:
        return check(checkout)
    return install(checkout, ROOT, for_cluster=options.cluster)


def _apart(arguments: list[str]) -> Iterator[str]:
    r"""Yield the arguments, splitting what Windows has joined: `"C:\My Fooocus\" --check` arrives as `C:\My Fooocus" --check`."""
    for number, argument in enumerate(arguments):
        if argument in ("--demo", "--test", "--bench"):  # the rest belongs to another program
            yield from arguments[number:]
            return
        folder, quote, options = argument.partition('" ')
        if quote and not os.path.exists(argument):  # outside Windows a name may contain a quote
            yield from (folder, *options.split())
        else:
            yield argument


def _folder(text: str) -> Path:
    r"""Return the intended folder: shells complete `"C:\My Fooocus\"`, and Windows parses its last two characters as a quote."""
    return Path(text.removesuffix('"'))


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "install.py", USAGE, "Gives a Fooocus checkout a REST API. Run it with the Python that runs Fooocus."
    )
    parser.add_argument(
        "checkout",
        nargs="?",
        type=_folder,
        metavar="FOOOCUS_DIR",
        help="folder of Fooocus; default: the checkout that contains this file or the working directory",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--uninstall",
        action="store_true",
        help="remove the extension and its start-up hook; history and images stay",
    )
    what.add_argument("--check", action="store_true", help="report problems; the exit status is 0 if there are none")
    what.add_argument(
        "--demo",
        nargs=argparse.REMAINDER,
        metavar="FLAG",
        help="run a small demo host with the API; its flags follow. With --nodes N: several, as a cluster",
    )
    what.add_argument(
        "--demo-db", action="store_true", help="run a throw-away PostgreSQL with the programs of this machine"
    )
    what.add_argument(
        "--test", nargs=argparse.REMAINDER, metavar="ARG", help="run the tests; pytest's arguments follow"
    )
    what.add_argument(
        "--bench", nargs=argparse.REMAINDER, metavar="NAME", help="run the benchmarks, all or those named"
    )
    parser.add_argument(
        "--purge", action="store_true", help="with --uninstall: also delete the history and the API's images"
    )
    parser.add_argument(
        "--cluster",
        action="store_true",
        help="also install what Fooocus's flag --cluster needs: one queue, many machines",
    )
    options = parser.parse_args(arguments)
    if options.purge and not options.uninstall:
        parser.error("--purge goes with --uninstall")
    own = options.demo_db or not (options.demo is options.test is options.bench is None)
    if options.checkout is not None and own:
        parser.error("--demo, --demo-db, --test and --bench take no FOOOCUS_DIR: they bring their own")
    if options.cluster and (own or options.uninstall or options.check):
        parser.error("--cluster goes with an installation")
    return options
