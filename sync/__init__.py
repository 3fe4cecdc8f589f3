"""What sites must agree on: clock, load board, journal, link and hand-off tokens."""
