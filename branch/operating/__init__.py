"""A running site as operators see it: its state, its counters, the day so far, a drain."""
