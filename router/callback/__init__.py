"""Places kept: callers who asked to be called back, and wait in their queue without a phone."""
