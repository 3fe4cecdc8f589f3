"""What rows about redirected callers say, to whoever folds them."""

REDIRECTED = "REDIRECTED"
"""Why a hand-off is over in which nobody talked: its caller is the helper's own."""

PROMISED = "PROMISED"
"""The stage at which a promise expires that nobody has come for; the agent's reservation ends before."""
