"""What made-up callers are like: how many they are, how long they talk, how long they wait."""

from dataclasses import dataclass

from router.ids import QueueId, SiteId


@dataclass(frozen=True, slots=True, kw_only=True)
class BusyHour:
    """What the made-up callers are like; the defaults are those of the design's study."""

    occupancy: float = 0.87
    """Offered work of the whole cluster over its agents."""
    swing: float = 0.5
    """A site's rate runs between 1 - swing and 1 + swing times its mean."""
    handle_mean_s: float = 180.0
    handle_sigma: float = 0.8
    """Of the logarithm; call centers measure 0.7 to 1.1."""
    patience_mean_s: float = 180.0
    queues: tuple[QueueId, ...] = (QueueId("general"),)
    vip_share: float = 0.0
    """Callers of priority 3: 90 s ahead at the default head start."""
    customer_count: int = 5000
    surges: tuple["Surge", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Surge:
    """More calls than usual at one site for a while; several at once multiply."""

    site_id: SiteId
    from_s: float
    until_s: float
    times: float
    """How many times as many as else; at least 1."""
