"""What a site allows and waits for when it hands calls off or helps."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from router.ids import SiteId

MAX_OWN_LOSS_LIMIT = 100
"""Points: a service level has no more to lose."""


class Media(StrEnum):
    """Which way a caller's media goes to a helper's agent."""

    BRIDGE = "bridge"
    """Through the origin's PBX, to the end."""
    REFER = "refer"
    """The caller's carrier is asked to call the helper's PBX instead; it stays bridged when that fails."""
    REDIRECT = "redirect"
    """A caller whom nobody has answered is sent on and becomes the helper's own; any other is bridged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkPolicy:
    """The trunk to one peer."""

    site_id: SiteId
    cost_s: float = 0.0
    """Seconds of wait that crossing this link must save, of all who wait there together."""
    leg_limit: int = 30
    """Concurrent overflow legs, both directions together; a moved call has none."""
    media: Media = Media.BRIDGE
    """Of calls that this site hands to that peer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverflowPolicy:
    """Rules and deadlines of docs/overflow; the defaults are the design's.

    All `_ms` fields are on the floor's own clock. Those named in `WIRE_LIMITS` wait for
    machines, not for people, and stay real time when a lab runs faster than life.
    """

    is_enabled: bool = True
    home_reserve: int = 0
    """Idle agents kept back from push and pull."""
    max_own_loss: float | None = None
    """Points of this site's own service level that helping may cost; 0: it helps nobody, None: no limit."""
    links: Mapping[SiteId, LinkPolicy] = field(default_factory=dict)
    """The configured peers; also whom to ask when the board is out of reach."""
    asks_per_call: int = 2
    """Sites asked one after the other; again after `ask_again_ms`."""
    ask_again_ms: int = 1_000
    rpc_limit_ms: int = 500
    reservation_ms: int = 3_000
    """From a reservation to the INVITE, at the helper; and from INVITE to ringing, at the origin."""
    ring_limit_ms: int = 15_000
    handoff_limit_ms: int = 30_000
    """The whole hand-off until it is connected: the token's and the tombstone's life."""
    confirm_limit_ms: int = 5_000
    """After its agent answered, the helper asks the origin what became of it."""
    move_limit_ms: int = 8_000
    """From the token of a move to its INVITE, at the helper; and until the origin gives a move up."""
    promise_ms: int = 180_000
    """From the token of a redirected caller to its INVITE, at the helper: a PBX keeps such a caller while its
    branch is away."""
    moved_ask_ms: int = 10_000
    """The origin of a moved call asks its helper so often whether the talk still lasts."""
    view_stale_ms: int = 3_000
    view_unscored_ms: int = 5_000
    view_out_ms: int = 15_000
    record_lag_ms: int = 5_000
    """A record that its site has refuted, and that still stands after so long, shows that records lag..."""
    record_lag_memory_ms: int = 300_000
    """...for so long: callers then ask sites that show nobody idle, too."""
    blind_ask_interval_ms: int = 1_000
    """Without a view, one configured peer is asked each so often, in rotation..."""
    blind_ask_limit_ms: int = 8_000
    """...and half as often after each that had nobody waiting, down to one in so long: each asking is
    four rows of the ledger, and a board may be away for days."""
    site_share_per_s: int = 50
    """Asks to one site a second, pushes and claims together."""
    ramp_up_ms: int = 10_000
    """A site that returns gets a growing share for so long."""
    publish_interval_ms: int = 200
    refresh_interval_ms: int = 30_000


WIRE_LIMITS = (
    "ask_again_ms",
    "rpc_limit_ms",
    "reservation_ms",
    "handoff_limit_ms",
    "confirm_limit_ms",
    "move_limit_ms",
    "promise_ms",
    "moved_ask_ms",
    "view_stale_ms",
    "view_unscored_ms",
    "view_out_ms",
    "record_lag_ms",
    "record_lag_memory_ms",
    "blind_ask_interval_ms",
    "blind_ask_limit_ms",
    "ramp_up_ms",
)
"""The fields a lab at speed X multiplies by X."""
