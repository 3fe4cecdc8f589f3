"""The identities and units that every other module of the domain speaks in."""

from typing import NewType

SiteId = NewType("SiteId", str)
"""A short slug, such as `beijing`; the same one stands in the site's certificate."""

QueueId = NewType("QueueId", str)
AgentId = NewType("AgentId", str)
"""Unique in the cluster: `beijing/1001`."""

CallId = NewType("CallId", str)
"""UUIDv7 text, made by the site that took the call and never changed afterwards."""

LegId = NewType("LegId", str)
"""UUIDv7 text of one offer of a call to one agent; the PBX uses it as channel id."""

HandoffId = NewType("HandoffId", str)
"""UUIDv7 text, minted by the initiator of a hand-off; the idempotency key of its messages."""

PlaybackId = NewType("PlaybackId", str)
"""UUIDv7 text of one telling of prompts to one caller; its end is told by it."""

NodeName = NewType("NodeName", str)
"""Of one node of an IVR flow, as its file writes it."""

RecordingId = NewType("RecordingId", str)
"""UUIDv7 text, made by the site; also what the PBX calls the file."""

CustomerId = NewType("CustomerId", str)

LineId = NewType("LineId", str)
"""A way to the public network at one site, by the name its PBX knows: `line-1`."""

Skill = NewType("Skill", str)
Skills = frozenset[Skill]

Instant = NewType("Instant", int)
"""Milliseconds on the node's monotonic clock. Never compare across nodes."""

FOREVER_MS = 2**53
"""A limit that is never reached and still fits every wire and database integer."""
