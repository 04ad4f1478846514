"""Frozen answers that show themselves."""
