"""The logic of one call, without input or output."""
