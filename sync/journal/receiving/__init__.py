"""HQ's half of the pull: leads the conversation, and judges what comes; keeps nothing itself."""
