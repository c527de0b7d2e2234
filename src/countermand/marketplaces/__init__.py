"""One room per marketplace: its configuration, its requests and answers, how to ask, how to read, its sub-clients."""
