"""Getting many rows into a table at once, each only when it is newer than what stands there."""
