"""The SDK's word against the truth: simulated faults under virtual time, the same over real sockets, and mutants."""
