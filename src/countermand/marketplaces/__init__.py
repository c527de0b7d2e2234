"""One room per marketplace: its requests and answers, how to ask, how to read, its sub-clients."""
