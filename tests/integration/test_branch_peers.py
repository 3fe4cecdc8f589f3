"""Two desks that talk over a real link: the stream, the unary calls, and what they refuse."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest
from prometheus_client import CollectorRegistry
from trunkline.handoff.v1 import handoff_pb2 as pb
from trunkline.handoff.v1.handoff_pb2_grpc import HandoffServiceStub, add_HandoffServiceServicer_to_server

from branch.customers.caller_card import CallerCard
from branch.desk.desk import CallerNumber, Desk, Stamp
from branch.operating.metrics import BranchInstruments
from branch.peers.line import PeerLine
from branch.peers.lines import PeerLines
from branch.peers.note_wire import LeftNote
from branch.peers.wire import Asked, request_frame
from branch.people.refusals import OriginAwayError
from branch.serving.handoff import SERVICE, HandoffFace
from node import pki
from router.acd.policy import QueuePolicy
from router.call import CallContext
from router.facts import (
    AgentBecameNotReady,
    AgentBecameReady,
    AgentLoggedIn,
    CallArrived,
    SiteReplied,
    SiteSilent,
)
from router.floor import Floor
from router.ids import AgentId, CallId, HandoffId, QueueId, SiteId, Skill
from router.ledger import LedgerRow
from router.orders import Order
from router.overflow.messages import (
    Cancel,
    Claim,
    GetHandoff,
    Given,
    HandoffSeen,
    HandoffState,
    Redirect,
    Refusal,
    Refused,
    Reserve,
    Reserved,
)
from router.overflow.policy import LinkPolicy, OverflowPolicy
from sync.clock import SystemClock
from sync.link.channel import open_channel
from sync.link.identity import Peer
from sync.link.refusals import RefusedError
from sync.link.server import LinkServer
from sync.link.status import refusal_from
from sync.link.tls import Tls
from sync.records.business_day import BusinessCalendar
from sync.records.derived import CallerRecord
from tests.fakes.cards import cards_at
from tests.fakes.notes import NoNotes

NOW = datetime.now(UTC)
BEIJING, URUMQI, LHASA = SiteId("beijing"), SiteId("urumqi"), SiteId("lhasa")
FRENCH = frozenset({Skill("french")})
HANDOFF = HandoffId("0190a0a0-0000-7000-8000-000000000001")
INCARNATION = 5


class Nobody:
    """Keeps no rows and carries nothing out: answers need neither."""

    def append(self, rows: Sequence[LedgerRow], callers: Sequence[CallerRecord] = ()) -> None:
        pass

    def carry_out(self, order: Order) -> None:
        pass


class Helper:
    """A site that serves hand-offs, with one agent who speaks French."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.registry = CollectorRegistry()
        clock, rng = SystemClock(), random.Random(1)
        floor = Floor(
            site_id=URUMQI,
            incarnation=INCARNATION,
            policies=[QueuePolicy(queue_id=QueueId("sales"), skills=FRENCH)],
            overflow=OverflowPolicy(links={BEIJING: LinkPolicy(site_id=BEIJING)}),
            new_id=lambda: f"{rng.getrandbits(128):032x}",
            rng=rng,
            mint_token=lambda handoff_id, site_id: f"{handoff_id}/{site_id}",
        )
        calendar = BusinessCalendar("Asia/Urumqi")
        stamp = Stamp(site_id=URUMQI, incarnation=INCARNATION, last_seq=0, clock=clock, calendar=calendar)
        self.desk = Desk(
            floor=floor,
            stamp=stamp,
            clock=clock,
            speed=1.0,
            ledger=Nobody(),
            carry_out=Nobody().carry_out,
            instruments=BranchInstruments(self.registry),
        )
        agent = AgentId("urumqi/1")
        self.desk.tell(AgentLoggedIn(agent_id=agent, skills=FRENCH))
        self.desk.tell(AgentBecameReady(agent_id=agent))
        self.server = LinkServer(security=self.tls(URUMQI), registry=self.registry)
        self.cards, self.notes = cards_at(), NoNotes()
        self.port = 0

    def tls(self, site_id: SiteId) -> Tls:
        name = f"site-{site_id}"
        return Tls.read(self.folder / "ca.pem", self.folder / f"{name}.pem", self.folder / f"{name}.key")

    async def start(self, port: int = 0) -> None:
        face = HandoffFace(self.desk, self.cards, self.notes)
        add_HandoffServiceServicer_to_server(face, self.server.grpc_server)
        self.port = await self.server.start("127.0.0.1", port, [SERVICE])

    def channel(self, site_id: SiteId) -> grpc.aio.Channel:
        return open_channel(
            "127.0.0.1", self.port, self.tls(site_id), expected=Peer.from_uri("trunkline://demo/site/urumqi")
        )


class Heard:
    """What a line told its floor."""

    def __init__(self) -> None:
        self.facts: asyncio.Queue[SiteReplied | SiteSilent] = asyncio.Queue()
        self.guests: dict[HandoffId, CallerCard] = {}

    async def next(self) -> SiteReplied | SiteSilent:
        async with asyncio.timeout(10):
            return await self.facts.get()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "pki"
    pki.init_ca(made, "demo", now=NOW)
    for site_id in (BEIJING, URUMQI, LHASA):
        pki.issue(made, "site", site_id, [], now=NOW)
    return made


@pytest.fixture
async def helper(folder: Path) -> AsyncIterator[Helper]:
    made = Helper(folder)
    await made.start()
    yield made
    made.desk.close()
    await made.server.stop(0)


@asynccontextmanager
async def line_of(helper: Helper, site_id: SiteId, heard: Heard) -> AsyncIterator[PeerLine]:
    line = PeerLine(
        site_id=URUMQI,
        channel=helper.channel(site_id),
        tell=heard.facts.put_nowait,
        keep_guest=heard.guests.__setitem__,
        answer_limit_s=2.0,
        request_limit=16,
        rng=random.Random(2),
    )
    running = asyncio.create_task(line.run())
    async with AsyncExitStack() as stack:
        stack.push_async_callback(line.close)
        stack.callback(running.cancel)
        yield line


async def until_connected(line: PeerLine) -> None:
    async with asyncio.timeout(10):
        await line.until_connected()


def asked(request: Reserve | Cancel | GetHandoff, site_id: SiteId = BEIJING) -> Asked:
    return Asked(site_id=site_id, incarnation=3, asked_incarnation=0, request=request)


def reserve(handoff_id: HandoffId = HANDOFF) -> Reserve:
    call = CallContext(
        call_id=CallId("0190a0a0-0000-7000-8000-00000000000c"),
        queue_id=QueueId("sales"),
        skills=FRENCH,
        priority=0,
        customer_id=None,
        waited_ms=0,
    )
    return Reserve(handoff_id=handoff_id, call=call, timeout_ms=500)


async def test_a_reserve_over_the_stream_comes_back_with_a_token_and_the_helpers_incarnation(
    helper: Helper,
) -> None:
    heard = Heard()
    async with line_of(helper, BEIJING, heard) as line:
        await until_connected(line)

        line.ask(asked(reserve()))

        assert await heard.next() == SiteReplied(
            site_id=URUMQI,
            incarnation=INCARNATION,
            request=reserve(),
            reply=Reserved(handoff_id=HANDOFF, token=f"{HANDOFF}/beijing"),
        )
        assert line.incarnation == INCARNATION


CARD = CallerCard(number="+8613800138000", name="王小明", customer_class="VIP", region="海淀")


async def test_who_keeps_an_agent_is_told_who_calls_before_the_phone_rings(helper: Helper) -> None:
    heard = Heard()
    other = HandoffId("0190a0a0-0000-7000-8000-000000000002")
    async with line_of(helper, BEIJING, heard) as line:
        await until_connected(line)
        for handoff_id in (HANDOFF, other):
            line.ask(replace(asked(reserve(handoff_id)), caller=CARD))
            await heard.next()

    assert helper.cards.guest(HANDOFF) == CARD
    assert helper.cards.guest(other) is None, "no agent is kept for it"


async def test_a_promise_is_answered_once_it_is_on_disk_and_nothing_waits_behind_it(helper: Helper) -> None:
    heard = Heard()
    request = Redirect(handoff_id=HANDOFF, call=reserve().call, timeout_ms=500)
    other = HandoffId("0190a0a0-0000-7000-8000-000000000002")
    async with line_of(helper, BEIJING, heard) as line:
        await until_connected(line)
        redirecting = asyncio.create_task(line.redirect(replace(asked(request), caller=CARD), request))
        async with asyncio.timeout(10):
            while not any(helper.desk.floor.handoffs()):  # noqa: ASYNC110 - told by nobody
                await asyncio.sleep(0.01)
        line.ask(asked(GetHandoff(handoff_id=other)))
        assert isinstance(seen := await heard.next(), SiteReplied)
        assert seen.reply.handoff_id == other
        assert not redirecting.done()

        helper.desk.committed(helper.desk.last_seq)

        assert await heard.next() == SiteReplied(
            site_id=URUMQI,
            incarnation=INCARNATION,
            request=request,
            reply=Reserved(handoff_id=HANDOFF, token=f"{HANDOFF}/beijing"),
        )
        await redirecting
    assert helper.cards.guest(HANDOFF) == CARD
    assert helper.desk.floor.promised_call(HANDOFF, BEIJING) is not None


async def test_a_promise_that_cannot_be_written_down_is_silence(helper: Helper) -> None:
    heard = Heard()
    request = Redirect(handoff_id=HANDOFF, call=reserve().call, timeout_ms=500)
    async with line_of(helper, BEIJING, heard) as line:
        await until_connected(line)

        await line.redirect(asked(request), request)

        assert await heard.next() == SiteSilent(site_id=URUMQI, request=request)


async def test_a_redirect_that_is_refused_says_why(helper: Helper) -> None:
    heard = Heard()
    helper.desk.tell(AgentBecameNotReady(agent_id=AgentId("urumqi/1"), reason="BREAK"))
    helper.desk.committed(helper.desk.last_seq)
    request = Redirect(handoff_id=HANDOFF, call=reserve().call, timeout_ms=500)
    async with line_of(helper, BEIJING, heard) as line:
        await until_connected(line)

        await line.redirect(asked(request), request)

        replied = await heard.next()
    assert isinstance(replied, SiteReplied)
    assert replied.reply == Refused(handoff_id=HANDOFF, reason=Refusal.NO_IDLE_AGENT)


async def test_who_gives_a_call_says_who_calls(helper: Helper) -> None:
    """The site has a caller of its own, and nobody idle."""
    call_id = CallId("0190a0a0-0000-7000-8000-00000000000d")
    helper.desk.tell(AgentBecameNotReady(agent_id=AgentId("urumqi/1"), reason="TEA"))
    helper.cards.note_caller(CallerNumber(call_id=call_id, number=CARD.number, dialled="95588"))
    helper.desk.tell(
        CallArrived(call_id=call_id, queue_id=QueueId("sales"), dialled="95588", customer_id=None)
    )
    heard = Heard()
    async with line_of(helper, BEIJING, heard) as line:
        await until_connected(line)
        claim = Claim(handoff_id=HANDOFF, skills=FRENCH, token="token", timeout_ms=500)
        line.ask(Asked(site_id=BEIJING, incarnation=3, asked_incarnation=0, request=claim))
        given = await heard.next()

    assert isinstance(given, SiteReplied)
    assert isinstance(given.reply, Given)
    assert heard.guests == {HANDOFF: CallerCard(number=CARD.number)}


async def test_requests_of_one_handoff_are_answered_in_order_and_a_repeated_one_alike(helper: Helper) -> None:
    heard = Heard()
    async with line_of(helper, BEIJING, heard) as line:
        await until_connected(line)

        line.ask(asked(reserve()))
        line.ask(asked(GetHandoff(handoff_id=HANDOFF)))
        first, second = await heard.next(), await heard.next()
        line.ask(asked(reserve()))
        again = await heard.next()

    assert isinstance(first, SiteReplied)
    assert isinstance(first.reply, Reserved)
    assert isinstance(second, SiteReplied)
    assert isinstance(second.reply, HandoffSeen)
    assert second.reply.state is HandoffState.RESERVED
    assert again == first


async def test_a_refusal_is_a_frame_and_leaves_the_stream_open(helper: Helper) -> None:
    heard = Heard()
    other = HandoffId("0190a0a0-0000-7000-8000-000000000002")
    async with line_of(helper, BEIJING, heard) as line:
        await until_connected(line)

        line.ask(asked(reserve()))
        line.ask(asked(reserve(other)))
        await heard.next()
        refused = await heard.next()

        assert isinstance(refused, SiteReplied)
        assert isinstance(refused.reply, Refused)
        assert line.is_connected


async def test_a_site_that_is_not_there_is_silent_at_once(helper: Helper) -> None:
    heard = Heard()
    await helper.server.stop(0)
    async with line_of(helper, BEIJING, heard) as line:
        line.ask(asked(reserve()))

        assert await heard.next() == SiteSilent(site_id=URUMQI, request=reserve())


async def test_a_line_comes_back_when_its_peer_does(helper: Helper) -> None:
    heard = Heard()
    async with line_of(helper, BEIJING, heard) as line:
        await until_connected(line)
        await helper.server.stop(0)
        line.ask(asked(reserve()))
        assert isinstance(await heard.next(), SiteSilent)
        helper.server = LinkServer(security=helper.tls(URUMQI), registry=CollectorRegistry())
        await helper.start(helper.port)

        await until_connected(line)
        line.ask(asked(reserve()))

        assert isinstance(await heard.next(), SiteReplied)


async def test_a_site_that_speaks_for_another_is_cut_off_and_nothing_was_reserved(helper: Helper) -> None:
    heard = Heard()
    async with line_of(helper, LHASA, heard) as line:
        await until_connected(line)

        line.ask(asked(reserve(), BEIJING))

        assert await heard.next() == SiteSilent(site_id=URUMQI, request=reserve())
    assert list(helper.desk.floor.handoffs()) == []
    refused = helper.registry.get_sample_value(
        "trunkline_link_refused_total", {"reason": "PEER_NAMES_ANOTHER_SITE"}
    )
    assert refused == 1


async def test_an_unreadable_frame_is_answered_and_leaves_the_stream_open(helper: Helper) -> None:
    frame = request_frame(asked(reserve()), timeout_ms=500)
    frame.reserve.call.ClearField("queue_id")
    async with helper.channel(BEIJING) as channel:
        call = HandoffServiceStub(channel).Exchange()
        await call.write(frame)
        answer = await call.read()
        await call.write(request_frame(asked(reserve()), timeout_ms=500))
        good = await call.read()
        call.cancel()

    assert isinstance(answer, pb.ExchangeResponse)
    assert answer.refusal.reason == "FIELD_INVALID"
    assert "reserve.call.queue_id" in answer.refusal.message
    assert isinstance(good, pb.ExchangeResponse)
    assert good.HasField("reserved")


async def test_the_unary_calls_say_the_same_with_refusals_as_a_status(helper: Helper) -> None:
    frame = request_frame(asked(reserve()), timeout_ms=500)
    second = request_frame(asked(reserve(HandoffId("0190a0a0-0000-7000-8000-000000000002"))), timeout_ms=500)
    cancel = request_frame(asked(Cancel(handoff_id=HANDOFF, reason="CALLER_GONE")), timeout_ms=500)
    async with helper.channel(BEIJING) as channel:
        stub = HandoffServiceStub(channel)

        reserved = await stub.Reserve(
            pb.ReserveRequest(envelope=frame.envelope, reserve=frame.reserve), timeout=5
        )
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.Reserve(pb.ReserveRequest(envelope=second.envelope, reserve=second.reserve), timeout=5)
        await stub.Cancel(pb.CancelRequest(envelope=cancel.envelope, cancel=cancel.cancel), timeout=5)
        seen = await stub.GetHandoff(pb.GetHandoffRequest(envelope=frame.envelope), timeout=5)

    assert reserved.reserved.token == f"{HANDOFF}/beijing"
    assert refusal_from(refused.value).reason == "NO_IDLE_AGENT"
    assert seen.seen.state == pb.HANDOFF_STATE_OVER


async def test_a_unary_call_with_an_absurd_field_is_invalid_argument_by_its_name(helper: Helper) -> None:
    frame = request_frame(asked(reserve()), timeout_ms=500)
    frame.reserve.call.priority = 99
    async with helper.channel(BEIJING) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await HandoffServiceStub(channel).Reserve(
                pb.ReserveRequest(envelope=frame.envelope, reserve=frame.reserve), timeout=5
            )

    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "reserve.call.priority" in (refused.value.details() or "")


NOTE = LeftNote(
    handoff_id=HANDOFF,
    note_id="0190a0a0-0000-7000-8000-00000000000e",
    author="beijing/1001",
    text="要发票",
)


def lines_of(line: PeerLine) -> PeerLines:
    return PeerLines(
        site_id=BEIJING, incarnation=3, lines=[line], tell=lambda _fact: None, card_of=lambda _call: None
    )


async def test_a_note_is_left_with_the_site_whose_call_it_was(helper: Helper) -> None:
    async with line_of(helper, BEIJING, Heard()) as line:
        await lines_of(line).leave_note(URUMQI, NOTE)

    assert helper.notes.taken == [(BEIJING, NOTE)]


async def test_a_site_leaves_no_note_for_another_or_for_anothers_agent(helper: Helper) -> None:
    async with line_of(helper, LHASA, Heard()) as line:
        with pytest.raises(RefusedError) as for_another:
            await lines_of(line).leave_note(URUMQI, NOTE)
    async with line_of(helper, BEIJING, Heard()) as line:
        with pytest.raises(RefusedError) as anothers:
            await lines_of(line).leave_note(URUMQI, replace(NOTE, author="lhasa/1"))

    assert for_another.value.reason == "PEER_NAMES_ANOTHER_SITE"
    assert (anothers.value.reason, anothers.value.values["field"]) == ("FIELD_INVALID", "author")
    assert helper.notes.taken == []


async def test_a_note_for_a_site_that_is_away_is_refused_at_once(helper: Helper) -> None:
    await helper.server.stop(0)
    async with line_of(helper, BEIJING, Heard()) as line:
        for site_id in (URUMQI, LHASA):
            with pytest.raises(OriginAwayError) as away:
                await lines_of(line).leave_note(site_id, NOTE)
            assert away.value.site_id == site_id
