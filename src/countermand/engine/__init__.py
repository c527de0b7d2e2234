"""The logic of one call, without I/O."""
