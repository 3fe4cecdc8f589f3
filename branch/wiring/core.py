"""What decides, and what it has to do with: the desk, its store, its PBX, its peers, the load board."""

import random
import secrets
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version

import structlog
import uuid_utils

from branch import parts
from branch.customers.caller_cards import CallerCards
from branch.customers.customer_book import CustomerBook
from branch.customers.note_book import NoteBook
from branch.customers.number_finder import NumberFinder
from branch.desk.admission import Admission
from branch.desk.desk import Desk, Stamp
from branch.desk.dispatch import Dispatch
from branch.desk.ears import StoreEar
from branch.desk.hearing import Lines, PbxEar, WaitingEar
from branch.desk.invitations import Invitations
from branch.ivr.following import FlowWatch
from branch.ivr.local_time import local_time
from branch.ivr.lookup import CustomerLookup
from branch.operating.metrics import BranchInstruments
from branch.operating.operations import Policies, StoreHealth
from branch.operating.tallies import DayTallies, RowWatchers
from branch.people.calling_hours import CallingHours, HoursWatch
from branch.people.dialling import Dialling
from branch.people.message_box import MessageBox
from branch.people.note_writing import NoteWriting
from branch.people.reaching import Reaching
from branch.people.visiting import Visiting
from branch.settings import BranchSettings
from branch.store.writer import LedgerWriter
from branch.wiring.ground import Ground
from branch.wiring.neighbours import Neighbours
from branch.wiring.pbx import pbx_driver
from node.lifecycle import Tasks
from router.call import Language
from router.facts import Fact, NodeStarted
from router.floor import Floor
from router.ids import AgentId, CallId, QueueId
from router.ivr import IvrPlan
from router.records.moment import Moment
from sync.token import KEY_BYTES, TokenMint

log = structlog.get_logger()


def new_id() -> str:
    """A UUIDv7: sorts by the time it was made."""
    return str(uuid_utils.uuid7())


class Core:
    """The desk with its store, its PBX, its peers and its place at the load board."""

    def __init__(self, ground: Ground, tasks: Tasks) -> None:
        """Nothing is awaited: what the parts tell each other comes when all of them are there."""
        settings, site_id = ground.settings, ground.site_id
        self._ground = ground
        now = Moment(
            utc_us=ground.clock.utc_us(), mono_ms=ground.clock.mono_ms(), incarnation=ground.incarnation
        )
        # Read before the writer begins: the fold is the writer's own from then on.
        work = ground.start.fold.open_work(now)
        self.instruments = BranchInstruments(ground.registry)
        self.policies = Policies(ground.policies)
        self.tallies = DayTallies(self.policies.service_level_ms)
        self.admission = Admission(self._tell)
        self.notes = NoteBook(
            ground.store.contact_notes,
            start_task=lambda coroutine: tasks.start(coroutine, name="notes"),
        )
        self.customers = CustomerBook(ground.store.customers, note_gone=self.notes.forget)
        self.cards = CallerCards(self.customers, self.notes)
        for each in work.calls:
            number, rows = ground.store.caller_number(each.call_id), ground.store.call_rows(each.call_id)
            self.cards.take_up(each.call_id, number, rows)
        self.neighbours = Neighbours(ground, self.cards, self._tell)
        self.driver = pbx_driver(settings, tasks, self.neighbours.trunks, new_id, _language(settings))
        self.note_writing = NoteWriting(
            records=ground.store.contact_notes,
            note=self.notes.note,
            leave=self.neighbours.peers.leave_note,
            clock=ground.clock,
        )
        self.numbers = NumberFinder(
            number_of=ground.store.caller_number,
            tell=self._tell,
            start_task=lambda coroutine: tasks.start(coroutine, name="number"),
        )
        self.reaching = Reaching(
            records=ground.store.agent_places,
            handle=self._handle,
            country=settings.site.country,
            start_task=lambda coroutine: tasks.start(coroutine, name="forwarding"),
        )
        self.messages = MessageBox(
            site_id=site_id,
            records=ground.store.voicemails,
            queues_of=self._queues_of,
            start_task=lambda coroutine: tasks.start(coroutine, name="message"),
            notify=settings.voicemail.notify,
            folder=settings.recording.folder,
        )
        self.hours = HoursWatch(
            CallingHours([each.hours() for each in settings.callback.hours], settings.site.time_zone),
            ground.clock,
            self._tell,
        )
        self.writer = self._start_writer()
        self.mint = TokenMint(site_id, ground.incarnation, secrets.token_bytes(KEY_BYTES))
        self._work = replace(work, places=self.reaching.at_start)
        self.desk = self._desk()
        self.dialling = Dialling(
            desk=self.desk,
            new_id=new_id,
            emergency_numbers=settings.outbound.emergency_numbers,
            country=settings.site.country,
        )
        self.visiting = self._visiting()
        self.flow_watch = _flow_watch(ground, self.desk.tell)
        self.ear = PbxEar(
            desk=self.desk,
            driver=self.driver,
            directory=ground.directory,
            customers=self.customers,
            lines=_lines(settings),
            invitations=Invitations(self.mint, self.desk.floor, self.cards.number_told),
            note_refused_token=self._note_refused_token,
            note_caller=self.cards.note_caller,
            forward=self.reaching.forward_soon,
            messages=self.messages,
            country=settings.site.country,
        )

    def _note_refused_token(self, reason: str) -> None:
        self.instruments.tokens_refused_total.labels(reason).inc()

    async def start_pbx(self) -> None:
        """Connect the PBX and take up what lives: from here on the site serves its callers."""
        ear = WaitingEar(self.ear)
        await self.driver.start(ear)
        inventory = await ear.inventory(self._ground.settings.limits.pbx_wait_s)
        strangers = inventory.callers - {each.call_id for each in self._work.calls}
        self.ear.expect_ended(frozenset(each for each in strangers if self.is_known(each)))
        self.desk.resume(self._work, inventory)
        self.desk.tell(NodeStarted(version=version("trunkline")))
        ear.begin()

    async def start_neighbours(self, tasks: Tasks) -> None:
        """Show the site at the load board, hear the others, open the streams to them."""
        await self.neighbours.start(
            tasks, self.desk, {each.handoff_id: each.peer for each in self._work.helps}
        )

    async def close(self) -> None:
        """Let go of the PBX and write what is still to be written."""
        self.desk.close()
        await self.driver.close()
        await self.writer.close()

    def store_health(self) -> StoreHealth:
        return StoreHealth(
            state=self.writer.state,
            committed_seq=self.writer.committed_seq,
            missing_room=self._ground.store.missing_room(),
        )

    # --- the parts -----------------------------------------------------------------------

    def _start_writer(self) -> LedgerWriter:
        ground = self._ground
        listener = StoreEar(
            committed=self._committed,
            admission=self.admission,
            note_commit_s=self.instruments.commit_duration_seconds.observe,
        )
        return ground.store.start_writer(
            ground.start,
            listener,
            policy=parts.health_policy(ground.settings),
            ballast_bytes=ground.settings.limits.ballast_mb * 2**20,
        )

    def _desk(self) -> Desk:
        ground = self._ground
        speed = ground.settings.clock.speed
        floor = Floor(
            site_id=ground.site_id,
            incarnation=ground.incarnation,
            policies=ground.policies,
            overflow=ground.settings.overflow.policy(speed),
            new_id=new_id,
            rng=random.Random(secrets.randbits(64)),  # noqa: S311 - ties between sites, no secret
            mint_token=self.mint.mint,
            ivr=_ivr(ground),
            language=_language(ground.settings),
            outbound=ground.settings.outbound.policy(),
            callback=ground.settings.callback.policy(),
        )
        stamp = Stamp(
            site_id=ground.site_id,
            incarnation=ground.incarnation,
            last_seq=ground.start.last_seq,
            clock=ground.clock,
            calendar=ground.calendar,
        )
        lookup = CustomerLookup(self.customers, ground.settings.site.country, self._tell)
        dispatch = Dispatch(
            driver=self.driver,
            peers=self.neighbours.peers,
            publish=self.neighbours.publish,
            find_customer=lookup.find,
            find_number=self.numbers.find,
            note_refused_token=self._note_refused_token,
        )
        return Desk(
            floor=floor,
            stamp=stamp,
            clock=ground.clock,
            speed=speed,
            ledger=self.writer,
            carry_out=dispatch.carry_out,
            instruments=RowWatchers(self.instruments, self.tallies, self.cards),
        )

    def _visiting(self) -> Visiting:
        ground, visits = self._ground, self._ground.settings.visits
        time_zone = ground.settings.site.time_zone
        return Visiting(
            records=ground.store.return_visits,
            number_of=ground.store.caller_number,
            known_as=self.customers.known_as,
            dial=self.dialling.begin,
            keep_note=self.note_writing.keep,
            new_id=new_id,
            policy=visits.policy(),
            hours=CallingHours([each.hours() for each in visits.hours], time_zone),
            calendar=ground.calendar,
            clock=ground.clock,
        )

    def _queues_of(self, agent_id: AgentId) -> set[QueueId]:
        """Those that the agent has the skills for, logged in or not."""
        skills = self._ground.directory.skills_of(agent_id)
        if skills is None:
            return set()
        return {each.queue_id for each in self.desk.floor.policies() if each.skills <= skills}

    def _tell(self, fact: Fact) -> None:
        """For parts that are made before the desk; none of them tells anything before it is there."""
        self.desk.tell(fact)

    def _handle(self, fact: Fact) -> None:
        """The same for those who want to hear of a refusal."""
        self.desk.handle(fact)

    def _committed(self, seq: int) -> None:
        self.desk.committed(seq)

    def is_known(self, call_id: CallId) -> bool:
        """The ledger on the disk has the call. Blocks."""
        return bool(self._ground.store.call_rows(call_id))


def _ivr(ground: Ground) -> IvrPlan | None:
    if ground.flow is None:
        return None
    clock = local_time(ground.clock, ground.settings.site.time_zone)
    return IvrPlan(flow=ground.flow.flow, local_time=clock)


def _flow_watch(ground: Ground, tell: Callable[[Fact], None]) -> FlowWatch | None:
    if ground.flow is None or ground.settings.ivr is None:
        return None
    queues = parts.own_queues(ground.settings)
    return FlowWatch(ground.settings.ivr.flow, queues, ground.flow.digest, tell)


def _language(settings: BranchSettings) -> Language:
    """What the site's people speak."""
    return Language(settings.site.language.replace("_", "-"))


def _lines(settings: BranchSettings) -> Lines:
    queues = {number: QueueId(queue.id) for queue in settings.queue for number in queue.numbers}
    return Lines(queues, QueueId(settings.queue[0].id))
