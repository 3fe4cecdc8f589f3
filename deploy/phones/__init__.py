"""SIP phones and callers: they ring, talk and hang up at a real PBX, and keep their own account of it."""
