"""What one site's Asterisk is configured from; the text modules beside this one only write it down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from router.ids import SiteId


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """One agent's SIP phone."""

    endpoint: str
    agent_id: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerTrunk:
    """Another site's PBX."""

    site_id: SiteId
    host: str
    port: int
    leg_limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A trunk to the public network, of a provider or a gateway."""

    name: str
    host: str
    port: int
    user: str | None
    password: str | None
    number: str | None
    """What those who are called over it see, and, where it registers, what its callers have dialled."""
    dtmf: str = "rfc4733"
    """PJSIP's own word for how keys come and go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SipTls:
    """Files of the SIP transport's own TLS."""

    ca: Path | None
    cert: Path
    key: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """What callers get while the branch process is down."""

    action: str
    """message, voicemail or number."""
    number: str | None
    retry_s: int
    """The branch is tried again so often, as long as the caller stays."""
    limit_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Folders: where the configuration is, where Asterisk keeps what it writes, where its own files are."""

    config: Path
    state: Path
    modules: Path
    data: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class PbxPlan:
    """Everything that one site's Asterisk has to know."""

    site_id: SiteId
    host: str
    port: int
    tls_port: int
    tls: SipTls | None
    is_media_encrypted: bool
    rtp_first: int
    rtp_last: int
    ari_host: str
    ari_port: int
    ari_user: str
    ari_password: str
    shard_count: int
    phones: Sequence[Phone]
    peers: Sequence[PeerTrunk]
    lines: Sequence[Line]
    emergency_numbers: Sequence[str]
    fallback: Fallback
    notes_callers: bool
    """Callers who are gone before a branch took them are kept in files for it: it looks for them."""
    codes: Mapping[str, str]
    """Feature code to what it does: login, logout, ready, not_ready."""
    language: str
    """Of languages: what callers are spoken to in while the branch process is down."""
    languages: Sequence[str]
    places: Places
