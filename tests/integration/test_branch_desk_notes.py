"""Notes on contacts by DeskService, by `trunkline desk note` and by keys, over real gRPC."""

import asyncio
import uuid
from pathlib import Path

import pytest
from trunkline.desk.v1 import desk_pb2 as pb
from trunkline.desk.v1.desk_pb2_grpc import DeskServiceStub

from branch.customers.contact_note import NOTE_LIMIT_CHARS, Contact
from branch.peers.note_wire import LeftNote
from branch.people.note_writing import CALL_LIMIT
from branch.terminal.client import DeskClient
from router.agent import AgentState
from router.ids import CallId, HandoffId
from sync.link.refusals import RefusedError
from tests.fakes.desk_site import ANN, CUSTOMER, KIM, PEER, DeskSite, desk_site
from tests.fakes.desk_steps import LIMIT_S, logged_in, plain_channel
from tests.fakes.pty_child import PtyChild
from tests.integration.test_branch_terminal_desk import at, desk, run, until_agent

HANDOFF = HandoffId("0190a0a0-0000-7000-8000-000000000001")


@pytest.fixture
def call_id(site: DeskSite) -> CallId:
    """Kim has talked on it."""
    call_id = CallId(str(uuid.uuid4()))
    site.notes.talks[call_id, KIM] = Contact(call_id=call_id, customer_id=CUSTOMER)
    return call_id


def texts(site: DeskSite) -> list[tuple[str, str]]:
    return [(each.note.author, each.note.text) for each in site.notes.kept.values()]


async def refused(client: DeskClient, call_id: str, text: str) -> RefusedError:
    with pytest.raises(RefusedError) as refusal:
        await client.write_note(CallId(call_id), text)
    return refusal.value


async def test_an_agent_writes_a_note_on_its_call(site: DeskSite, call_id: CallId) -> None:
    client = await logged_in(site)

    await client.write_note(call_id, "  要发票 ")

    (kept,) = site.notes.kept.values()
    assert (kept.call_id, kept.customer_id) == (call_id, CUSTOMER)
    assert texts(site) == [(KIM, "要发票")]
    assert kept.note.written_utc_us > 0


async def test_what_is_no_note_is_refused_with_its_reason(site: DeskSite, call_id: CallId) -> None:
    kim, ann, lee = await logged_in(site), await logged_in(site, "1002"), await logged_in(site, "lee")

    unknown = await refused(kim, str(uuid.uuid4()), "x")
    not_anns = await refused(ann, call_id, "x")
    of_a_supervisor = await refused(lee, call_id, "x")
    absurd = [
        await refused(kim, call_id, text)
        for text in ("", "   ", "x" * (NOTE_LIMIT_CHARS + 1), "a\nb", "\x1b[2J")
    ]
    no_id = await refused(kim, "yesterday's", "x")

    assert unknown.reason == "CONTACT_UNKNOWN"
    assert (not_anns.reason, of_a_supervisor.reason) == ("CONTACT_NOT_YOURS", "ROLE_FORBIDS")
    assert {(each.reason, each.values["field"]) for each in absurd} == {("FIELD_INVALID", "text")}
    assert "501 characters" in str(absurd[2])
    assert no_id.values["field"] == "call_id"
    assert texts(site) == []


async def test_a_note_of_full_length_is_kept_whole(site: DeskSite, call_id: CallId) -> None:
    client = await logged_in(site)

    await client.write_note(call_id, "票" * NOTE_LIMIT_CHARS)

    assert texts(site) == [(KIM, "票" * NOTE_LIMIT_CHARS)]


async def test_a_call_has_so_many_notes_and_no_more(site: DeskSite, call_id: CallId) -> None:
    client = await logged_in(site)
    for each in range(CALL_LIMIT):
        await client.write_note(call_id, str(each))

    assert (await refused(client, call_id, "one more")).reason == "NOTE_LIMIT"
    assert len(texts(site)) == CALL_LIMIT


async def test_a_repeated_note_is_kept_once_after_a_restart_too(site: DeskSite, call_id: CallId) -> None:
    request_id = str(uuid.uuid4())
    request = pb.WriteNoteRequest(request_id=request_id, call_id=call_id, text="x")
    async with desk_site(incarnation=site.incarnation + 1) as restarted:
        restarted.notes.talks, restarted.notes.kept = site.notes.talks, site.notes.kept
        for one in (site, site, restarted):
            client = await logged_in(one)
            token = (("authorization", f"Bearer {client.token}"),)
            async with plain_channel(one) as channel:
                await DeskServiceStub(channel).WriteNote(request, timeout=LIMIT_S, metadata=token)

    assert list(site.notes.kept) == [request_id]


async def test_a_note_on_another_sites_call_goes_there_and_nothing_stays(
    site: DeskSite, call_id: CallId
) -> None:
    site.notes.talks[call_id, KIM] = Contact(
        call_id=call_id, customer_id=None, origin=PEER, handoff_id=HANDOFF
    )
    client = await logged_in(site)

    await client.write_note(call_id, "x")

    [(to_site, left)] = site.left
    assert (to_site, left.handoff_id, left.author, left.text) == (PEER, HANDOFF, KIM, "x")
    assert texts(site) == []


async def test_what_a_helpers_agent_wrote_is_kept_with_the_callers_customer(
    site: DeskSite, call_id: CallId
) -> None:
    site.notes.given[HANDOFF, PEER] = Contact(call_id=call_id, customer_id=CUSTOMER)
    left = LeftNote(handoff_id=HANDOFF, note_id="n1", author="urumqi/2001", text="x")

    await site.note_writing.take(PEER, left)
    await site.note_writing.take(PEER, left)

    (kept,) = site.notes.kept.values()
    assert (kept.customer_id, kept.call_id, kept.note.author) == (CUSTOMER, call_id, "urumqi/2001")


# --- commands and keys ------------------------------------------------------------------


async def test_a_script_writes_a_note(site: DeskSite, secret: Path, call_id: CallId) -> None:
    code, _out, err = await run(*at(site, secret), "note", call_id, "要发票")
    other, _out, said = await run(*at(site, secret), "note", str(uuid.uuid4()), "x")

    assert (code, err) == (0, "")
    assert texts(site) == [(KIM, "要发票")]
    assert other == 2
    assert "is known at this site" in said
    assert "Traceback" not in said


async def test_a_person_writes_a_note_by_keys_in_the_talk_and_after_it(
    site: DeskSite, secret: Path, children: list[PtyChild]
) -> None:
    child = desk(children, site, secret)
    await child.shows("not ready")
    child.press("o")
    await child.shows("there is no call")
    child.press("r")
    await until_agent(site, AgentState.READY)
    call_id = site.call()
    site.notes.talks[call_id, KIM] = Contact(call_id=call_id, customer_id=CUSTOMER)
    await child.shows("王小明")
    child.press("a")
    await until_agent(site, AgentState.TALKING)
    await child.shows("talking")

    child.press("o")
    await child.shows("Note on the call")
    child.press("quiz\x7fck\r")
    await until_kept(site, 1)
    child.press("e")
    await until_agent(site, AgentState.WRAP_UP)
    await child.shows("wrap-up")
    child.press("o")
    child.press("票\r")
    await until_kept(site, 2)

    assert texts(site) == [(KIM, "quick"), (KIM, "票")]


async def test_a_refused_note_stays_on_the_screen(
    site: DeskSite, secret: Path, children: list[PtyChild]
) -> None:
    child = desk(children, site, secret)
    await child.shows("not ready")
    child.press("r")
    await until_agent(site, AgentState.READY)
    call_id = site.call()
    site.notes.talks[call_id, ANN] = Contact(call_id=call_id, customer_id=CUSTOMER)
    await child.shows("王小明")
    child.press("a")
    await until_agent(site, AgentState.TALKING)
    await child.shows("talking")

    child.press("o")
    child.press("keep me\r")
    await child.shows("you have not talked")
    site.notes.talks[call_id, KIM] = Contact(call_id=call_id, customer_id=CUSTOMER)
    child.press("\r")
    await until_kept(site, 1)

    assert texts(site) == [(KIM, "keep me")]


async def until_kept(site: DeskSite, count: int) -> None:
    async with asyncio.timeout(LIMIT_S):
        while len(site.notes.kept) < count:  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.01)
