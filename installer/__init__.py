"""What install.py does, stdlib only, as it runs before anything is installed. Called by install.py alone."""
