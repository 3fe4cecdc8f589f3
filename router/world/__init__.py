"""A whole cluster on virtual time: the day, sites and people, the laws, the figures. Opens no file."""
