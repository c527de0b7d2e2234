"""The benchmark: what a cancellation costs over bare HTTP, in ratios from one run."""
