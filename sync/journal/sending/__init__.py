"""The branch's half of the pull: answers HQ, and keeps what HQ has confirmed."""
