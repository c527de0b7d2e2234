"""Hooks for other packages, each with its own extra."""
