"""Names that the configuration writes and the link reads: both sides must spell them alike."""

from collections.abc import Sequence

TOKEN_HEADER = "X-Trunkline-Token"  # noqa: S105 - a header's name
"""In an INVITE between sites: the one-time proof of a reservation."""

TRUNK_EXTENSION = "overflow"
"""What is dialled at another site's PBX."""

REDIRECT_EXTENSION = "redirected"
"""The same by the carrier of a caller whom nobody has answered, and who is nowhere else."""

TRUNK_OUT_ENDPOINT = "trunk-out"
"""The one endpoint that dials other sites, whatever their address."""

LINE_PREFIX = "line-"
"""Before a line's name: its endpoint."""

RECORDINGS = "spool/recording"
"""Below the folder that Asterisk keeps its state in: the files of recordings and voicemail."""

PROMPTS = "trunkline"
"""The folder of a flow's prompts, below a language's sounds."""

KIND = "TRUNKLINE_KIND"
DIALLED = "TRUNKLINE_DIALLED"
CALLER = "TRUNKLINE_CALLER"
TOKEN = "TRUNKLINE_TOKEN"  # noqa: S105 - a variable's name
CODE = "TRUNKLINE_CODE"
ALONE = "TRUNKLINE_ALONE"
"""On a caller whom the dialplan has met while no branch was there: see `asterisk/alone_name.py`."""

DIALPLAN_VARIABLES = (KIND, DIALLED, CALLER, TOKEN, CODE, ALONE)
"""Written by the dialplan, or with the channel: what a channel is, told with every event about it."""


def application(site_id: str, shard: int) -> str:
    """A Stasis application's name. Asterisk works one off by one thread, so a site has several."""
    return f"trunkline-{site_id}-{shard}"


def applications(site_id: str, shard_count: int) -> Sequence[str]:
    """All that calls are spread over, numbered from 1."""
    return [application(site_id, shard) for shard in range(1, shard_count + 1)]


def phones_application(site_id: str) -> str:
    """Hears registrations and nothing else: a subscription to phones would tell it of all their calls."""
    return f"trunkline-{site_id}-phones"


def endpoint_of(agent_id: str) -> str:
    """`1001` of `beijing/1001`: a phone's name at its own PBX."""
    return agent_id.partition("/")[2]
