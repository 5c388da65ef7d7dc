"""What jobs run in: from the environment that a spec names to a Python, a venv or a container on this machine."""
