"""A real Asterisk beside a branch: found or fetched, started, gone with us."""
