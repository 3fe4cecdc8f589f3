"""Telephony: the port through which a desk has its PBX, and the adapters behind it."""
