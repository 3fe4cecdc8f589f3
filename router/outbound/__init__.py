"""Calls that go out: to whom a site's agents may be joined, over whose line, and what it came to."""
