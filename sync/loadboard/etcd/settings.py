"""How to reach the board's etcd, and how long to wait for it."""

from dataclasses import dataclass, field
from pathlib import Path

CALL_DEADLINE_S = 2.0
"""For every unary call. A healthy etcd answers in milliseconds, after a leader's death in 1 to 2 s."""

WITHDRAWAL_DEADLINE_S = 1.0
"""For giving the lease back at the end; unanswered, the record leaves with its lease."""

PROGRESS_INTERVAL_MS = 1_000
"""A view not confirmed for this long asks etcd how far its watch is."""

SILENCE_LIMIT_S = 3.0
"""A watch that answers nothing for this long is given up: the view is stale from here on."""

DIGEST_INTERVAL_MS = 1_000
"""The aggregator writes the digest this often, changed or not: its beat is what confirms a view."""

DIGEST_ASK_INTERVAL_MS = 2_000
"""A digest that did not beat for this long: the watch is asked whether it still lives."""

DIGEST_VIEW_LIMIT_MS = 1_500
"""An aggregator whose own view is older than this writes nothing: it would confirm what it does not know."""

RETRY_DELAY_MIN_S = 0.1
RETRY_DELAY_MAX_S = 2.0

LEASE_TTL_MIN_S = 2
"""What etcd grants at least, with its default election timeout."""
LEASE_TTL_MAX_S = 60
"""A dead site stays on the board this long."""

MESSAGE_LIMIT_BYTES = 32 * 1024 * 1024
"""One list of 2,000 sites with large records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EtcdTls:
    """Files in PEM; read anew at each connection, so that a renewed certificate needs no restart."""

    ca_file: Path
    cert_file: Path | None = None
    key_file: Path | None = None
    """Both or none: an etcd may know its clients by password only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EtcdSettings:
    """One board's etcd.

    `endpoints` are `host:port` of its members; with `tls` both sides show certificates,
    without it everything is plain. All sites of a cluster share one `prefix`.

    Raises:
        ValueError: a setting cannot work; says which and why.
    """

    endpoints: tuple[str, ...]
    prefix: str
    lease_ttl_s: int = 10
    tls: EtcdTls | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    digest_above: int = 300
    """Sites above this read the digest that one of them writes, instead of each other's records."""

    def __post_init__(self) -> None:
        if not self.endpoints:
            raise ValueError("etcd endpoints: name at least one host:port")
        for endpoint in self.endpoints:
            host, colon, port = endpoint.rpartition(":")
            if not (host and colon and port.isdecimal()) or "//" in endpoint:
                raise ValueError(f"etcd endpoint {endpoint!r}: write host:port, without a scheme")
        if not self.prefix.strip("/"):
            raise ValueError(
                f"etcd prefix {self.prefix!r}: name a folder of the cluster's own, such as /trunkline/acme"
            )
        if not LEASE_TTL_MIN_S <= self.lease_ttl_s <= LEASE_TTL_MAX_S:
            raise ValueError(
                f"etcd lease_ttl_s {self.lease_ttl_s}: {LEASE_TTL_MIN_S} to {LEASE_TTL_MAX_S} s; shorter "
                "leases flood the cluster, longer ones keep a dead site on the board"
            )
        if self.digest_above < 1:
            raise ValueError(f"etcd digest_above {self.digest_above}: a count of sites, at least 1")
        if (self.user is None) != (self.password is None):
            raise ValueError("etcd user and password: give both or neither")

    @property
    def digest_prefix(self) -> bytes:
        """The digest's keys begin with this."""
        return f"{self.prefix.rstrip('/')}/digest/".encode()

    @property
    def load_prefix(self) -> bytes:
        """Every load record's key begins with this; what follows is the site's slug."""
        return f"{self.prefix.rstrip('/')}/load/".encode()
