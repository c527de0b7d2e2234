"""Faults over real sockets: a server that lies, stalls and breaks, a sweep over it, and a judge that knows the truth."""
