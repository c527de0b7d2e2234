"""Hooks for other packages, each with an extra of its own."""
