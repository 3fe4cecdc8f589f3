"""Turns the "Anonymous Bank" call data (Guedj and Mandelbaum, Technion) into a calls file."""
