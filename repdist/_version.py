"""The version, which `pyproject.toml` and every result read."""

__version__ = "0.2.0.dev0"
