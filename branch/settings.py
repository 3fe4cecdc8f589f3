"""What one branch's file may say. Every fault of it is reported at once, those between sections too."""

from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from branch.outbound_settings import CallbackSection, OutboundSection
from branch.telephony.settings import TelephonySection
from branch.visit_settings import VisitsSection
from node.settings import (
    ClockSection,
    DatabaseSection,
    EtcdSection,
    ExistingFile,
    ListenSettings,
    LogSection,
    NodePath,
    Section,
    TlsSettings,
)
from node.settings.sections import Port
from node.settings.values import HostPort, Name, SiteSlug, TimeZone, refuse_twins
from node.words import text as _
from router.acd.policy import RETENTION_LIMIT_DAYS, Distribution, LastResort, QueuePolicy, RecordingRule
from router.ids import FOREVER_MS, QueueId, SiteId, Skill
from router.overflow.policy import MAX_OWN_LOSS_LIMIT, WIRE_LIMITS, LinkPolicy, Media, OverflowPolicy

_OVERFLOW = OverflowPolicy()
_NOT_POLICY = ("id", "numbers", "skills")
_NOT_RULES = ("peer", "address", "trunk")
_QUEUE = QueuePolicy(queue_id=QueueId("default"), skills=frozenset())

Duration = Annotated[int, Field(ge=0, le=FOREVER_MS)]
PositiveDuration = Annotated[int, Field(gt=0, le=FOREVER_MS)]


class SiteSection(Section):
    """Which site this is."""

    id: SiteSlug
    name: str = Field(min_length=1, max_length=120)
    """For people; any language."""
    time_zone: TimeZone
    """Where the site's business day turns."""
    country: str | None = Field(default=None, pattern=r"^[A-Z]{2}$")
    """ISO 3166, such as CN: how a caller's national number is read. Absent: only +... numbers are kept."""
    language: Literal["zh_CN", "en"] = "zh_CN"
    """What callers are spoken to in; sounds that a language lacks are played in English."""
    parent: SiteSlug | None = None
    """The site above it in the tree; HQ itself when absent."""


class PeerSection(Section):
    """One site with which calls are exchanged."""

    site: SiteSlug
    address: HostPort
    """Where its HandoffService listens."""
    trunk: str = Field(min_length=1)
    """Where its PBX takes calls of other sites: `host:port` of SIP, or of a simulated PBX's trunk."""
    public: HostPort | None = None
    """Where the public network reaches its PBX, for `media` refer and redirect; as `trunk` when absent."""
    cost_s: float = Field(default=0.0, ge=0)
    leg_limit: int = Field(default=30, ge=0)
    media: Media = Media.BRIDGE
    """Of calls that are handed to it; what it hands to us goes as its own file says."""

    def link(self) -> LinkPolicy:
        return LinkPolicy(
            site_id=SiteId(self.site), cost_s=self.cost_s, leg_limit=self.leg_limit, media=self.media
        )


class OverflowSection(Section):
    """Rules and deadlines of calls between sites; each as in router.overflow.policy."""

    is_enabled: bool = _OVERFLOW.is_enabled
    home_reserve: int = Field(default=_OVERFLOW.home_reserve, ge=0)
    max_own_loss: float | None = Field(default=_OVERFLOW.max_own_loss, ge=0, le=MAX_OWN_LOSS_LIMIT)
    asks_per_call: int = Field(default=_OVERFLOW.asks_per_call, ge=1, le=8)
    ask_again_ms: PositiveDuration = _OVERFLOW.ask_again_ms
    rpc_limit_ms: int = Field(default=_OVERFLOW.rpc_limit_ms, ge=10, le=60_000)
    reservation_ms: PositiveDuration = _OVERFLOW.reservation_ms
    ring_limit_ms: PositiveDuration = _OVERFLOW.ring_limit_ms
    handoff_limit_ms: PositiveDuration = _OVERFLOW.handoff_limit_ms
    confirm_limit_ms: PositiveDuration = _OVERFLOW.confirm_limit_ms
    move_limit_ms: PositiveDuration = _OVERFLOW.move_limit_ms
    promise_ms: PositiveDuration = _OVERFLOW.promise_ms
    moved_ask_ms: PositiveDuration = _OVERFLOW.moved_ask_ms
    view_stale_ms: PositiveDuration = _OVERFLOW.view_stale_ms
    view_unscored_ms: PositiveDuration = _OVERFLOW.view_unscored_ms
    view_out_ms: PositiveDuration = _OVERFLOW.view_out_ms
    record_lag_ms: PositiveDuration = _OVERFLOW.record_lag_ms
    record_lag_memory_ms: PositiveDuration = _OVERFLOW.record_lag_memory_ms
    blind_ask_interval_ms: PositiveDuration = _OVERFLOW.blind_ask_interval_ms
    blind_ask_limit_ms: PositiveDuration = _OVERFLOW.blind_ask_limit_ms
    site_share_per_s: int = Field(default=_OVERFLOW.site_share_per_s, ge=1)
    ramp_up_ms: Duration = _OVERFLOW.ramp_up_ms
    publish_interval_ms: PositiveDuration = _OVERFLOW.publish_interval_ms
    refresh_interval_ms: PositiveDuration = _OVERFLOW.refresh_interval_ms
    peer: tuple[PeerSection, ...] = ()
    address: HostPort | None = None
    """Where other sites reach this one's node. With it the site is shown on the load board, so that
    sites whose file does not name it find it, and it finds those that are shown there."""
    trunk: str | None = Field(default=None, min_length=1)
    """What other sites' PBXes dial to reach this one's; told to sites that found us."""

    @model_validator(mode="after")
    def _can_be_found_and_called(self) -> Self:
        if (self.address is None) != (self.trunk is None):
            raise ValueError(_("address and trunk come together"))
        return self

    @field_validator("peer")
    @classmethod
    def _names_each_once(cls, peers: tuple[PeerSection, ...]) -> tuple[PeerSection, ...]:
        refuse_twins(_("peer"), [each.site for each in peers])
        return peers

    def policy(self, speed: float) -> OverflowPolicy:
        """The machine's policy on a clock that runs `speed` times as fast as the wire."""
        values = {name: getattr(self, name) for name in type(self).model_fields if name not in _NOT_RULES}
        values |= {name: round(values[name] * speed) for name in WIRE_LIMITS}
        return OverflowPolicy(links={SiteId(each.site): each.link() for each in self.peer}, **values)


class QueueSection(Section):
    """How one queue treats its callers at first; each as in router.acd.policy."""

    id: Name
    numbers: tuple[str, ...] = ()
    """Dialled lines that ring here; all other lines ring at the file's first queue."""
    skills: tuple[Name, ...] = ()
    distribution: Distribution = _QUEUE.distribution
    ring_limit_ms: PositiveDuration = _QUEUE.ring_limit_ms
    ring_all_limit: int = Field(default=_QUEUE.ring_all_limit, ge=1, le=100)
    wrap_up_limit_ms: Duration = _QUEUE.wrap_up_limit_ms
    waiting_call_limit: int = Field(default=_QUEUE.waiting_call_limit, ge=1, le=1_000_000)
    wait_limit_ms: PositiveDuration = _QUEUE.wait_limit_ms
    last_resort: LastResort = _QUEUE.last_resort
    priority_head_start_ms: Duration = _QUEUE.priority_head_start_ms
    announce_interval_ms: Duration = _QUEUE.announce_interval_ms
    short_abandon_ms: Duration = _QUEUE.short_abandon_ms
    is_overflow_allowed: bool = _QUEUE.is_overflow_allowed
    service_level_ms: PositiveDuration = _QUEUE.service_level_ms
    recording: RecordingRule = _QUEUE.recording
    recording_retention_days: int = Field(
        default=_QUEUE.recording_retention_days, ge=1, le=RETENTION_LIMIT_DAYS
    )

    def policy(self) -> QueuePolicy:
        values = {name: getattr(self, name) for name in type(self).model_fields if name not in _NOT_POLICY}
        skills = frozenset(Skill(each) for each in self.skills)
        return QueuePolicy(queue_id=QueueId(self.id), skills=skills, **values)


class BranchListenSettings(ListenSettings):
    """Where this branch can be reached."""

    desk_port: Port | None = None
    """For people's tools without a certificate: TLS by our certificate alone, and a token. Absent: none."""


class DeskSection(Section):
    """What people at desks are offered."""

    not_ready_reasons: tuple[str, ...] = ("BREAK", "LUNCH", "TRAINING", "PAPERWORK")


class IvrSection(Section):
    """What callers go through before they ask for a person."""

    flow: ExistingFile
    """A flow of its own format (docs/ivr.md); changes are taken up while the branch runs."""


class RecordingSection(Section):
    """Where the PBX keeps what it recorded."""

    folder: NodePath | None = None
    """Files of recordings past their queue's retention are deleted here. Absent: whoever runs the PBX
    has to do that, and no recording is marked as pruned."""


class VoicemailSection(Section):
    """What becomes of messages that callers leave."""

    notify: tuple[str, ...] = ()
    """A program with its arguments, run for each new message: what is known of it is JSON on its input."""


class NotesSection(Section):
    """What agents write on contacts."""

    retention_days: int = Field(default=365, ge=1, le=RETENTION_LIMIT_DAYS)
    """A note is erased, at HQ too, when it is older than this."""


class LimitsSection(Section):
    """What the process takes on at most, and how long it lets go."""

    drain_limit_s: float = Field(default=3_600.0, gt=0)
    """Live calls get this long to finish once a drain has begun."""
    pbx_wait_s: float = Field(default=10.0, ge=0)
    """At the start a PBX that is away is waited for; calls of one that stays away have failed."""
    peer_request_limit: int = Field(default=256, ge=1)
    """Requests to one peer that wait for their answers; more are taken as unanswered at once."""
    ballast_mb: int = Field(default=64, ge=0, le=65_536)
    """A file of this size is kept beside SQLite's, and given back when its disk is full."""
    unwritten_row_limit: int = Field(default=50_000, ge=1_000)
    """Ledger rows kept in memory while the database takes none; with more, no new calls are taken."""


class BranchSettings(Section):
    """A branch's whole file."""

    site: SiteSection
    listen: BranchListenSettings
    tls: TlsSettings
    database: DatabaseSection
    telephony: TelephonySection
    etcd: EtcdSection | None = None
    """Absent: the site shows its load to nobody and overflows by asking its peers."""
    overflow: OverflowSection = OverflowSection()
    queue: tuple[QueueSection, ...] = Field(min_length=1)
    ivr: IvrSection | None = None
    """Absent: every caller asks for a person at once."""
    outbound: OutboundSection = OutboundSection()
    callback: CallbackSection = CallbackSection()
    visits: VisitsSection = VisitsSection()
    desk: DeskSection = DeskSection()
    recording: RecordingSection = RecordingSection()
    voicemail: VoicemailSection = VoicemailSection()
    notes: NotesSection = NotesSection()
    limits: LimitsSection = LimitsSection()
    clock: ClockSection = ClockSection()
    log: LogSection = LogSection()

    @field_validator("queue")
    @classmethod
    def _names_each_once(cls, queues: tuple[QueueSection, ...]) -> tuple[QueueSection, ...]:
        refuse_twins(_("queue"), [each.id for each in queues])
        return queues

    @field_validator("overflow")
    @classmethod
    def _is_not_its_own_peer(cls, overflow: OverflowSection, info: ValidationInfo) -> OverflowSection:
        # `site` is read before; it is missing here when it has faults of its own.
        site: SiteSection | None = info.data.get("site")
        if site is not None and site.id in [each.site for each in overflow.peer]:
            raise ValueError(_("[[overflow.peer]] names {site!r}, the site itself", site=site.id))
        return overflow
