"""The load board: every site's load record, seen by every other site."""
