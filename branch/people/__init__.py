"""The people of a site: who they are, what they may do, and for how long a log-in is good."""
