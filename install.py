"""Installer entry point: `python install.py [FOOOCUS_DIR]`, see --help. The implementation is in installer/.

Any Python can parse this file: one that can't run Fooocus gets a clear message instead of a syntax error.
"""

import sys

if __name__ == "__main__":
    import os

    here = os.path.dirname(os.path.abspath(__file__))
    if not (3, 10) <= sys.version_info[:2] <= (3, 11):
        own, folder = "", here
        while folder and not own:
            for name in ("python_embeded", "python_embedded"):
                python = os.path.join(folder, name, "python.exe")
                own = python if os.path.isfile(python) else own
            folder = os.path.dirname(folder) if os.path.dirname(folder) != folder else ""
        version = ".".join(str(part) for part in sys.version_info[:2])
        remedy = "use Fooocus's own Python, `\"" + own + '" -s install.py`' if own else "use Python 3.10 or 3.11"
        sys.exit("error: Python " + version + " can't run Fooocus's WebUI (gradio 3.41.2): " + remedy)

    sys.path.insert(0, here)  # an embedded Python has no folder of the script there
    from load_package import load_package

    sys.path.remove(here)  # it hides other `api`, `db` ...
    load_package()

    from fooocus_api.installer.cli import main

    sys.exit(main(sys.argv[1:]))
