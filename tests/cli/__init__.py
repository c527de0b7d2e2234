"""The command line, in this process and in one of its own, against a served sandbox."""
