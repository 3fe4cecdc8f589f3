"""A branch node: one site with its desk, its telephony and its database."""
