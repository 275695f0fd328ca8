"""Request headers that change how a request is accepted and answered."""
