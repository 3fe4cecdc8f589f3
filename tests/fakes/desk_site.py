"""A site's desk without a PBX, a database or peers: real floor, desk and face, phones that obey at once."""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import time

from prometheus_client import CollectorRegistry
from trunkline.desk.v1.desk_pb2_grpc import add_DeskServiceServicer_to_server

from branch.customers.caller_cards import CallerCards
from branch.customers.customer_book import Profile
from branch.desk.desk import Desk, Stamp
from branch.operating.metrics import BranchInstruments
from branch.peers.note_wire import LeftNote
from branch.people import passwords
from branch.people.calling_hours import CallingHours, Hours
from branch.people.dialling import Dialling
from branch.people.floor import RunningFloor
from branch.people.login import AgentRecord, Credential, Login
from branch.people.message_box import MessageBox
from branch.people.note_writing import NoteWriting
from branch.people.reaching import Reaching
from branch.people.refusals import UnknownCustomerError
from branch.people.sessions import Sessions
from branch.people.talk_places import TalkPlaces
from branch.people.visiting import Visiting
from branch.people.workplaces import Workplaces
from branch.serving.desk import SERVICE, Contact, DeskClocks, DeskFace, KnownCustomer, Outward, ShownSite
from branch.serving.desk_checks import CHECKS
from branch.serving.repeats import Repeats
from branch.serving.site_items import site_items
from branch.serving.watch import SiteWatch
from branch.store.voicemails import Voicemail
from branch.terminal.client import DeskClient
from router.acd.place import Place
from router.acd.policy import QueuePolicy, RecordingRule
from router.agent import RingFailure
from router.facts import CallArrived, LegAnswered, LegFailed, LegRang
from router.floor import Floor
from router.ids import AgentId, CallId, CustomerId, LegId, LineId, QueueId, SiteId, Skill
from router.ledger import LedgerRow
from router.orders import Order, RingAgent
from router.outbound.policy import OutboundPolicy, Route
from router.overflow.policy import LinkPolicy, OverflowPolicy
from router.visit.policy import VisitPolicy
from sync.clock import ManualClock, SystemClock
from sync.link.channel import open_channel
from sync.link.identity import Peer
from sync.link.server import LinkServer
from sync.link.tls import Plaintext, Security, TrustOnly
from sync.records.business_day import BusinessCalendar
from sync.records.derived import CallerRecord
from sync.records.tables import CustomerClass, PersonRole
from tests.fakes.cards import cards_at
from tests.fakes.notes import KeptNotes
from tests.fakes.visit_records import VisitRecords

SITE = SiteId("beijing")
QUEUE = QueueId("support")
KIM, ANN = AgentId("beijing/1001"), AgentId("beijing/1002")
PASSWORD = "correct horse"
INCARNATION = 1_700_000_000_000
CUSTOMER = CustomerId("c-17")
LINE = LineId("line-1")
PEER = SiteId("urumqi")
ALL_DAY = Hours(begin=time.min, end=time.max, days=frozenset(range(1, 8)))


class Records:
    """Two agents, a supervisor, and one customer."""

    def __init__(self) -> None:
        secret_hash = passwords.hashed(PASSWORD)
        roles = {KIM: PersonRole.AGENT, ANN: PersonRole.AGENT, "lee": PersonRole.SUPERVISOR}
        self._people = {
            str(name): Credential(person_id=str(name), role=role, secret_hash=secret_hash)
            for name, role in roles.items()
        }

    def credential(self, person_id: str) -> Credential | None:
        return self._people.get(person_id)

    def agent(self, agent_id: AgentId) -> AgentRecord | None:
        return AgentRecord(agent_id=agent_id, name="Kim", skills=frozenset({Skill("PS")}))

    async def known_customer(self, customer_id: CustomerId, contact_limit: int) -> KnownCustomer:
        if customer_id != CUSTOMER:
            raise UnknownCustomerError(customer_id)
        contact = Contact(
            call_id=CallId(str(uuid.uuid4())),
            arrived_utc_us=1,
            queue_id=QUEUE,
            agent_id=ANN,
            disposition="ANSWERED",
        )
        return KnownCustomer(
            customer_id=customer_id,
            name="王小明",
            customer_class=CustomerClass.VIP,
            region="海淀",
            contacts=[contact],
        )


class Places:
    """Where agents are reached, in memory."""

    def __init__(self) -> None:
        self.kept: dict[AgentId, tuple[Place, ...]] = {}

    def places(self) -> dict[AgentId, tuple[Place, ...]]:
        return dict(self.kept)

    def set_places(self, agent_id: AgentId, places: Sequence[Place]) -> None:
        self.kept[agent_id] = tuple(places)


class KeptMessages:
    """Callers' messages, in memory."""

    def __init__(self) -> None:
        self.kept: list[Voicemail] = []

    def messages(
        self, *, queue_ids: Collection[QueueId] | None = None, with_heard: bool = False, row_limit: int
    ) -> list[Voicemail]:
        mine = [each for each in self.kept if queue_ids is None or each.queue_id in queue_ids]
        return [each for each in mine if with_heard or each.heard_by is None][:row_limit]

    def mark_heard(
        self, call_id: CallId, person_id: str, *, queue_ids: Collection[QueueId] | None = None
    ) -> bool:
        mine = [each for each in self.kept if queue_ids is None or each.queue_id in queue_ids]
        is_there = any(each.call_id == call_id for each in mine)
        self.kept = [
            replace(each, heard_utc_us=1, heard_by=person_id) if each.call_id == call_id else each
            for each in self.kept
        ]
        return is_there


class ObedientPhones:
    """Rings when told, answers when told."""

    def __init__(self) -> None:
        self.desk: Desk | None = None
        self.orders: list[Order] = []
        self.answered: list[LegId] = []

    def carry_out(self, order: Order) -> None:
        self.orders.append(order)
        if isinstance(order, RingAgent):
            self._desk.tell(LegRang(leg_id=order.leg_id))

    def answer_leg(self, leg_id: LegId) -> None:
        self.answered.append(leg_id)
        self._desk.tell(LegAnswered(leg_id=leg_id))

    def hang_up_leg(self, leg_id: LegId) -> None:
        self._desk.tell(LegFailed(leg_id=leg_id, reason=RingFailure.REJECTED))

    @property
    def _desk(self) -> Desk:
        assert self.desk is not None
        return self.desk


class PromptLedger:
    """Commits what it is given in the next turn of the loop."""

    def __init__(self) -> None:
        self.desk: Desk | None = None
        self.rows: list[LedgerRow] = []
        self.callers: list[CallerRecord] = []

    def append(self, rows: Sequence[LedgerRow], callers: Sequence[CallerRecord] = ()) -> None:
        self.rows.extend(rows)
        self.callers.extend(callers)
        assert self.desk is not None
        asyncio.get_running_loop().call_soon(self.desk.committed, rows[-1].seq)


@dataclass(kw_only=True)
class DeskSite:
    """What a test may look at and act on."""

    desk: Desk
    phones: ObedientPhones
    ledger: PromptLedger
    sessions: Sessions
    real_clock: ManualClock
    registry: CollectorRegistry
    visits: VisitRecords
    places: Places = field(default_factory=Places)
    cards: CallerCards = field(default_factory=cards_at)
    kept_messages: KeptMessages = field(default_factory=KeptMessages)
    messages: MessageBox = field(init=False)
    note_writing: NoteWriting = field(init=False)
    notes: KeptNotes = field(default_factory=KeptNotes)
    left: list[tuple[SiteId, LeftNote]] = field(default_factory=list)
    """Notes that were brought to other sites."""
    port: int = 0
    incarnation: int = INCARNATION
    clients: list[DeskClient] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.messages = MessageBox(
            site_id=SITE,
            records=self.kept_messages,
            queues_of=lambda _agent_id: {QUEUE},
            start_task=asyncio.ensure_future,
        )
        self.note_writing = NoteWriting(
            records=self.notes, note=lambda _kept: None, leave=self.leave_note, clock=SystemClock()
        )

    def call(self, customer_id: CustomerId | None = CUSTOMER) -> CallId:
        """A caller asks for a person."""
        call_id = CallId(str(uuid.uuid4()))
        self.desk.handle(CallArrived(call_id=call_id, queue_id=QUEUE, dialled="400", customer_id=customer_id))
        return call_id

    async def leave_note(self, site_id: SiteId, left: LeftNote) -> None:
        self.left.append((site_id, left))

    def client(self, security: Security | TrustOnly | None = None) -> DeskClient:
        """A person's tool; closed with the site."""
        expected = Peer(cluster="acme", kind="site", name=SITE)
        channel = open_channel("127.0.0.1", self.port, security or Plaintext(), expected=expected)
        client = DeskClient(channel)
        self.clients.append(client)
        return client

    def client_like(self, other: DeskClient) -> DeskClient:
        """Another tool of the same log-in."""
        client = self.client()
        client.token = other.token
        return client


@asynccontextmanager
async def desk_site(
    security: Security | None = None,
    *,
    incarnation: int = INCARNATION,
    port: int = 0,
    asks_clients: bool = True,
) -> AsyncIterator[DeskSite]:
    """A site that serves DeskService on loopback."""
    phones, ledger, clock, registry = ObedientPhones(), PromptLedger(), SystemClock(), CollectorRegistry()
    policies = [
        QueuePolicy(
            queue_id=QUEUE,
            skills=frozenset({Skill("PS")}),
            wrap_up_limit_ms=60_000,
            recording=RecordingRule.ON_DEMAND,
        )
    ]
    floor = Floor(
        site_id=SITE,
        incarnation=incarnation,
        policies=policies,
        overflow=OverflowPolicy(links={PEER: LinkPolicy(site_id=PEER)}),
        new_id=lambda: str(uuid.uuid4()),
        rng=random.Random(1),
        mint_token=lambda handoff_id, _site: f"token-of-{handoff_id}",
        outbound=OutboundPolicy(
            routes=(Route(prefix="+8610", site_id=SITE, line_id=LINE),),
            lines={LINE: 1},
            emergency_line=LINE,
            emergency_numbers=frozenset({"110"}),
        ),
    )
    stamp = Stamp(
        site_id=SITE,
        incarnation=incarnation,
        last_seq=0,
        clock=clock,
        calendar=BusinessCalendar("Asia/Shanghai"),
    )
    desk = Desk(
        floor=floor,
        stamp=stamp,
        clock=clock,
        speed=1.0,
        ledger=ledger,
        carry_out=phones.carry_out,
        instruments=BranchInstruments(registry),
    )
    phones.desk = ledger.desk = desk
    real_clock = ManualClock()
    records, sessions = Records(), Sessions(incarnation=incarnation, key=b"k" * 32)
    site = DeskSite(
        desk=desk,
        phones=phones,
        ledger=ledger,
        sessions=sessions,
        real_clock=real_clock,
        registry=registry,
        visits=VisitRecords(rows=ledger.rows),
        incarnation=incarnation,
    )
    watch = SiteWatch(
        snapshot=lambda: site_items(
            floor,
            clock.mono_ms(),
            floor.policies(),
            {},
            lambda agent_id: agent_id,
            site.cards,
            site.messages.unheard(),
        ),
        version=lambda: desk.last_seq + site.messages.version + site.cards.version,
    )
    running = RunningFloor(desk.handle, floor)
    workplaces = Workplaces(floor=running, phones=phones)
    dialling = Dialling(desk=desk, new_id=lambda: str(uuid.uuid4()), emergency_numbers=("110",), country="CN")
    face = DeskFace(
        site=ShownSite(site_id=SITE, name="北京", incarnation=incarnation, not_ready_reasons=("LUNCH",)),
        login=Login(
            site_id=SITE,
            records=records,
            sessions=sessions,
            clock=real_clock,
            new_id=lambda: str(uuid.uuid4()),
            registry=registry,
        ),
        sessions=sessions,
        workplaces=workplaces,
        talks=TalkPlaces(floor=running, site_id=SITE),
        outward=Outward(
            dialling=dialling,
            reaching=Reaching(
                records=site.places, handle=desk.handle, country="CN", start_task=asyncio.ensure_future
            ),
            visiting=Visiting(
                records=site.visits,
                number_of=site.visits.numbers.get,
                known_as={CUSTOMER: Profile(name="王小明", customer_class="VIP", region="海淀")}.get,
                dial=dialling.begin,
                keep_note=site.note_writing.keep,
                new_id=lambda: str(uuid.uuid4()),
                policy=VisitPolicy(try_limit=2),
                hours=CallingHours([ALL_DAY], "Asia/Shanghai"),
                calendar=BusinessCalendar("Asia/Shanghai"),
                clock=clock,
            ),
        ),
        watch=watch,
        messages=site.messages,
        notes=site.note_writing,
        customers=records,
        repeats=Repeats(key=b"k"),
        clocks=DeskClocks(real=real_clock, site=clock),
    )
    server = LinkServer(
        security=security or Plaintext(), registry=registry, checks=CHECKS, asks_clients=asks_clients
    )
    add_DeskServiceServicer_to_server(face, server.grpc_server)
    site.port = await server.start("127.0.0.1", port, [SERVICE])
    watching = asyncio.create_task(watch.run())
    try:
        yield site
    finally:
        for client in site.clients:
            await client.close()
        await server.stop(0)
        workplaces.close()
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        desk.close()
