"""Asterisk behind the telephony port: its configuration, and the link that speaks ARI."""
