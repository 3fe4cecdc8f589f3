"""What operators and HQ ask of a running site: its state, a drain, another policy, a call's story."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from branch.desk.admission import DRAINING, Admission
from branch.desk.desk import Desk
from branch.store.ballast import MissingRoom
from router.acd.policy import QueuePolicy
from router.facts import PolicyApplied
from router.ids import CallId, QueueId, SiteId
from router.ledger import LedgerRow
from router.overflow.load import QueueLoad
from router.overflow.messages import HandoffState
from sync.clock import Clock

DEFAULT_SERVICE_LEVEL_MS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteIdentity:
    """What does not change while the process runs."""

    site_id: SiteId
    name: str
    version: str
    config_digest: str
    trunk: str | None = None
    """What other sites' PBXes dial; None: the file does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreHealth:
    state: str
    committed_seq: int
    missing_room: MissingRoom | None = None
    """What the disk lacks before the ballast file is made anew; None while it is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteStatus:
    """One look at the site; counts by state name."""

    identity: SiteIdentity
    incarnation: int
    utc_us: int
    uptime_ms: int
    is_accepting: bool
    is_pbx_connected: bool
    """Without its PBX no call comes to a site that takes calls."""
    queues: Mapping[QueueId, tuple[int, QueueLoad]]
    """Each with its policy's version."""
    agents: Mapping[str, int]
    calls: Mapping[str, int]
    handoffs: Mapping[str, int]
    view_age_ms: int | None
    peers: Mapping[SiteId, bool]
    """Whether the stream to each stands."""
    peer_problems: Mapping[SiteId, str]
    """Why TLS with a peer failed when it was last tried; none for others."""
    store: StoreHealth
    last_seq: int
    outbox_depth: int


class Surroundings(Protocol):
    """What is round the desk, as far as operators are told of it."""

    def view_age_ms(self) -> int | None:
        """Since the load board's view was last known to be current; None: never, or no board."""
        ...

    def is_pbx_connected(self) -> bool:
        """Whether the PBX is there."""
        ...

    def peer_connections(self) -> Mapping[SiteId, bool]:
        """Whether the stream to each peer stands."""
        ...

    def peer_problems(self) -> Mapping[SiteId, str]:
        """Why TLS with a peer failed when it was last tried."""
        ...

    def store_health(self) -> StoreHealth: ...

    async def keep_policy(self, policy: QueuePolicy) -> QueuePolicy:
        """Make this the newest version of its queue in the database; return it with its version."""
        ...

    async def rows_of_call(self, call_id: CallId) -> Sequence[LedgerRow]:
        """Oldest first; empty for a call this site never had."""
        ...


class Policies:
    """The queues' policies in force, by queue; one version number a queue."""

    def __init__(self, policies: Sequence[QueuePolicy]) -> None:
        self._policies = {each.queue_id: each for each in policies}

    def current(self) -> Sequence[QueuePolicy]:
        return tuple(self._policies.values())

    def version_of(self, queue_id: QueueId) -> int:
        """0: there is no such queue yet."""
        policy = self._policies.get(queue_id)
        return 0 if policy is None else policy.version

    def service_level_ms(self, queue_id: QueueId) -> int:
        """The queue's target; the default one for a queue that was removed meanwhile."""
        policy = self._policies.get(queue_id)
        return DEFAULT_SERVICE_LEVEL_MS if policy is None else policy.service_level_ms

    def note(self, policy: QueuePolicy) -> None:
        self._policies[policy.queue_id] = policy


class Operations:
    """Carried out on the desk's own loop."""

    def __init__(
        self,
        *,
        identity: SiteIdentity,
        desk: Desk,
        clock: Clock,
        admission: Admission,
        policies: Policies,
        surroundings: Surroundings,
    ) -> None:
        self._identity = identity
        self._desk = desk
        self._clock = clock
        self._admission = admission
        self._policies = policies
        self._surroundings = surroundings
        self._started_at = clock.mono_ms()

    def status(self) -> SiteStatus:
        now = self._clock.mono_ms()
        floor = self._desk.floor
        load = floor.load(now)
        kept = (each for each in floor.handoffs() if each.state is not HandoffState.OVER)
        return SiteStatus(
            identity=self._identity,
            incarnation=self._desk.incarnation,
            utc_us=self._clock.utc_us(),
            uptime_ms=now - self._started_at,
            is_accepting=load.accepting,
            is_pbx_connected=self._surroundings.is_pbx_connected(),
            queues={
                queue_id: (self._policies.version_of(queue_id), queue)
                for queue_id, queue in load.queues.items()
            },
            agents=Counter(str(each.state) for each in floor.agents()),
            calls=Counter(str(each.state) for each in floor.calls()),
            handoffs=Counter(f"{each.role} {each.state}" for each in kept),
            view_age_ms=self._surroundings.view_age_ms(),
            peers=self._surroundings.peer_connections(),
            peer_problems=self._surroundings.peer_problems(),
            store=self._surroundings.store_health(),
            last_seq=self._desk.last_seq,
            outbox_depth=len(self._desk.outbox),
        )

    def drain(self, reason: str) -> int:
        """Take no new calls; returns how many have still to finish. Draining twice is draining."""
        self._admission.close(DRAINING, words=reason)
        return sum(1 for _ in self._desk.floor.calls())

    async def set_policy(self, policy: QueuePolicy) -> int:
        """Put the policy in force and return the version it got: in the database first, then on the floor."""
        applied = await self._surroundings.keep_policy(policy)
        self._policies.note(applied)
        self._desk.handle(PolicyApplied(policy=applied))
        return applied.version

    async def explain(self, call_id: CallId) -> Sequence[LedgerRow]:
        """The call's rows, oldest first; empty for a call this site never had."""
        return await self._surroundings.rows_of_call(call_id)
