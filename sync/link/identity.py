"""Who is at the other end: the name in the peer's certificate, and for whom it may speak."""

from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

from router.ids import SiteId
from sync.link.refusals import ForeignClusterError, ForeignSiteError, UnnamedPeerError

_SCHEME = "trunkline://"
_SAN_KEY = "x509_subject_alternative_name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """The owner of a certificate: `trunkline://CLUSTER/site/NAME`, or `trunkline://CLUSTER/hq`."""

    cluster: str
    kind: str
    name: str

    @classmethod
    def from_uri(cls, uri: str) -> Self | None:
        """Read the name, or None where it is not one of ours."""
        parts = uri.removeprefix(_SCHEME).split("/")
        if not uri.startswith(_SCHEME) or not all(parts):
            return None
        if len(parts) == 2 and parts[1] == "hq":
            return cls(cluster=parts[0], kind="hq", name="hq")
        if len(parts) == 3 and parts[1] in ("site", "operator", "service"):
            return cls(cluster=parts[0], kind=parts[1], name=parts[2])
        return None

    def __str__(self) -> str:
        return "hq" if self.kind == "hq" else f"{self.kind}/{self.name}"

    @property
    def server_name(self) -> str:
        """The DNS name in its certificate that clients verify, whatever address they dial."""
        labels = "hq" if self.kind == "hq" else f"{self.name}.{self.kind}"
        return f"{labels}.{self.cluster}.trunkline.internal"


_current: ContextVar[Peer | None] = ContextVar("peer", default=None)


ANONYMOUS = Peer(cluster="", kind="anonymous", name="anonymous")
"""Whoever calls a port that asks nobody for a certificate, such as the one for people's tools."""


def peer() -> Peer | None:
    """Who sent the message being served; None where no certificate was asked for."""
    found = _current.get()
    return None if found is ANONYMOUS else found


def set_peer(found: Peer | None) -> None:
    """Note the peer for the RPC that this task serves; None on a plaintext port."""
    _current.set(found)


def is_sent_by(*kinds_or_names: str) -> bool:
    """Whether the sender's certificate is of one of these kinds (`hq`) or names (`site/beijing`).

    On a plaintext port, which was asked for, everybody is taken for anybody.
    """
    sender = _current.get()
    return sender is None or sender.kind in kinds_or_names or str(sender) in kinds_or_names


def require_site(site_id: SiteId) -> None:
    """A site speaks for itself only; on a plaintext port, which was asked for, nobody can tell.

    Raises:
        ForeignSiteError: the certificate is not that site's, or the port asks for none; the
            link counts it and logs it once.
    """
    sender = _current.get()
    if sender is not None and (sender.kind != "site" or sender.name != site_id):
        raise ForeignSiteError(site_id, str(sender))


def peer_of(auth_context: Mapping[str, Iterable[bytes]], cluster: str) -> Peer:
    """The peer by its certificate, which the handshake has verified.

    Raises:
        UnnamedPeerError: it has no certificate, or one without a name of ours.
        ForeignClusterError: a name of another cluster.
    """
    found = _first_of_ours(tuple(auth_context.get(_SAN_KEY, ())))
    if found is None:
        raise UnnamedPeerError
    if found.cluster != cluster:
        raise ForeignClusterError(found.cluster, cluster)
    return found


@lru_cache(maxsize=4096)
def _first_of_ours(names: tuple[bytes, ...]) -> Peer | None:
    """Certificates are few and calls many; a cluster has fewer peers than this remembers."""
    candidates = (Peer.from_uri(name.decode("utf-8", "replace")) for name in names)
    return next((each for each in candidates if each is not None), None)
