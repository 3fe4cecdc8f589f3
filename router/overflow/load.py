"""What one site tells the others about its load: the load record, one a site."""

from collections.abc import Mapping

from router.ids import QueueId, SiteId
from router.values import value


@value
class QueueLoad:
    """One queue class at one site, when the record was made.

    `head_wait_ms` is how long the oldest waiting call had waited then (0 with nobody
    waiting): clocks of two sites are never compared, so a reader adds the time since
    it received the record. `aht_ms` is the mean handling time of the last 5 minutes,
    `abandon_rate_per_hour` is how often one waiting caller gives up (0.0 without history).
    """

    agents_staffed: int
    agents_idle: int
    calls_waiting: int
    head_wait_ms: int
    aht_ms: int
    abandon_rate_per_hour: float


@value
class SiteLoad:
    """One site's load record.

    `version` grows by one with every record that an incarnation publishes, so
    (incarnation, version) orders the records of a site. `link_headroom` is how many
    more overflow legs the trunk link to each other site may carry.
    """

    site_id: SiteId
    incarnation: int
    version: int
    accepting: bool
    queues: Mapping[QueueId, QueueLoad]
    link_headroom: Mapping[SiteId, int]
