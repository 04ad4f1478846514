"""The version, which `pyproject.toml` and every result read."""

__version__ = "0.1.0"
