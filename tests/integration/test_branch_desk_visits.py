"""Return visits by DeskService and by `trunkline desk`, over real gRPC."""

import json
import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from trunkline.desk.v1 import desk_pb2 as pb
from trunkline.desk.v1.desk_pb2_grpc import DeskServiceStub

from router.agent import AgentState
from router.facts import LegAnswered, LineFailed
from router.ids import CallId
from router.orders import DialLine
from router.outbound.outcome import OutboundOutcome
from router.visit.outcome import VisitOutcome
from router.visit.visit import Standing, Visit
from sync.link.refusals import RefusedError
from tests.fakes.desk_site import CUSTOMER, KIM, QUEUE, DeskSite
from tests.fakes.desk_steps import (
    LIMIT_S,
    in_state,
    logged_in,
    plain_channel,
    ringing_leg,
    until,
)
from tests.fakes.pty_child import PtyChild
from tests.integration.test_branch_terminal_desk import at, desk, run, until_agent

NUMBER = "+861066661111"


def a_visit(due_date: str = "2026-01-07") -> Visit:
    return Visit(
        call_id=CallId(str(uuid.uuid4())),
        customer_id=CUSTOMER,
        queue_id=QUEUE,
        agent_id=KIM,
        called_utc_us=1_767_571_200_000_000,
        due_date=due_date,
        business_date="2026-01-06",
    )


@pytest.fixture
def visit(site: DeskSite) -> Visit:
    """On the list, with a number that the routes know."""
    made = a_visit()
    site.visits.add([made, a_visit(due_date="2999-01-01")])
    site.visits.numbers[made.call_id] = NUMBER
    return made


async def test_an_agent_is_shown_who_is_next_and_calls(site: DeskSite, visit: Visit) -> None:
    client = await logged_in(site)

    (shown,) = (await client.next_visit()).visits
    dialled = await client.dial_visit(shown.call_id)
    leg_id = await ringing_leg(client)
    site.desk.handle(LegAnswered(leg_id=leg_id))

    assert (shown.call_id, shown.customer_name, shown.kept_for) == (visit.call_id, "王小明", KIM)
    assert [each.standing for each in (await client.visits()).visits] == [Standing.TRYING]
    (order,) = [each for each in site.phones.orders if isinstance(each, DialLine)]
    assert (order.call_id, order.number) == (dialled.outbound_call_id, NUMBER)
    assert not any("66661111" in repr(row) for row in site.ledger.rows)


async def test_a_customer_who_does_not_answer_rests_on_the_list_and_the_agent_is_free(
    site: DeskSite, visit: Visit
) -> None:
    client = await logged_in(site)
    dialled = await client.dial_visit(visit.call_id)
    site.desk.handle(LegAnswered(leg_id=await ringing_leg(client)))
    assert dialled.outbound_call_id is not None
    site.desk.handle(LineFailed(call_id=dialled.outbound_call_id, outcome=OutboundOutcome.NO_ANSWER))

    await until(client, in_state(AgentState.NOT_READY))
    (seen,) = (await client.visits()).visits
    with pytest.raises(RefusedError) as again:
        await client.dial_visit(visit.call_id)

    assert (seen.standing, seen.try_count, seen.last_outcome) == (Standing.RESTING, 1, "NO_ANSWER")
    assert again.value.reason == "VISIT_NOT_DUE"
    assert (await client.next_visit()).visits == ()


async def test_an_agent_who_talks_cannot_call_and_the_visit_is_as_it_was(
    site: DeskSite, visit: Visit
) -> None:
    client = await logged_in(site)
    await client.ready()
    site.call()
    await client.answer(await ringing_leg(client))
    await until(client, in_state(AgentState.TALKING))

    with pytest.raises(RefusedError) as refused:
        await client.dial_visit(visit.call_id)

    assert refused.value.reason == "WRONG_STATE"
    assert site.visits.kept[visit.call_id] == visit


async def test_a_number_that_no_route_leads_to_ends_the_visit(site: DeskSite, visit: Visit) -> None:
    client = await logged_in(site)
    site.visits.numbers[visit.call_id] = "+4420794600"

    dialled = await client.dial_visit(visit.call_id)

    assert (dialled.outbound_call_id, dialled.outcome) == (None, "NOT_ALLOWED")
    assert site.visits.kept[visit.call_id].outcome is VisitOutcome.NOT_ALLOWED
    assert (await client.visits()).visits == ()


async def test_a_full_line_ends_no_visit(site: DeskSite, visit: Visit) -> None:
    first, second = await logged_in(site), await logged_in(site, "1002")
    await first.dial(NUMBER)

    with pytest.raises(RefusedError) as refused:
        await second.dial_visit(visit.call_id)

    assert refused.value.reason == "LIMIT"
    assert site.visits.kept[visit.call_id] == visit


async def test_calling_repeated_calls_once(site: DeskSite, visit: Visit) -> None:
    client = await logged_in(site)
    request = pb.DialVisitRequest(request_id=str(uuid.uuid4()), call_id=visit.call_id)
    token = (("authorization", f"Bearer {client.token}"),)

    async with plain_channel(site) as channel:
        stub = DeskServiceStub(channel)
        first = await stub.DialVisit(request, timeout=LIMIT_S, metadata=token)
        second = await stub.DialVisit(request, timeout=LIMIT_S, metadata=token)

    assert first == second
    assert len(list(site.desk.floor.outbound())) == 1


async def test_a_supervisor_sees_the_list_and_calls_nobody(site: DeskSite, visit: Visit) -> None:
    client = await logged_in(site, "lee")

    seen = await client.visits()
    reasons = []
    for ask in (client.next_visit, lambda: client.dial_visit(visit.call_id)):
        with pytest.raises(RefusedError) as refused:
            await ask()
        reasons.append(refused.value.reason)

    assert [each.call_id for each in seen.visits] == [visit.call_id]
    assert reasons == ["ROLE_FORBIDS", "ROLE_FORBIDS"]


async def test_without_a_token_or_with_nonsense_nothing_is_shown_or_done(site: DeskSite) -> None:
    stranger, client = site.client(), await logged_in(site)

    reasons = []
    for ask in (
        stranger.visits,
        stranger.next_visit,
        lambda: client.dial_visit(CallId("nonsense")),
        lambda: client.dial_visit(CallId(str(uuid.uuid4()))),
    ):
        with pytest.raises(RefusedError) as refused:
            await ask()
        reasons.append(refused.value.reason)

    assert reasons == ["NOT_LOGGED_IN", "NOT_LOGGED_IN", "FIELD_INVALID", "VISIT_UNKNOWN"]


async def test_a_long_list_is_cut_and_its_length_told(site: DeskSite) -> None:
    site.visits.add([a_visit() for _ in range(250)])

    seen = await (await logged_in(site)).visits()

    assert (len(seen.visits), seen.visit_count) == (200, 250)


async def test_an_agent_puts_a_visit_off_and_the_reason_is_kept_once_as_a_note(
    site: DeskSite, visit: Visit
) -> None:
    client = await logged_in(site)
    request = pb.SkipVisitRequest(
        request_id=str(uuid.uuid4()), call_id=visit.call_id, reason=" asked for Monday "
    )
    token = (("authorization", f"Bearer {client.token}"),)

    async with plain_channel(site) as channel:
        stub = DeskServiceStub(channel)
        await stub.SkipVisit(request, timeout=LIMIT_S, metadata=token)
        await stub.SkipVisit(request, timeout=LIMIT_S, metadata=token)

    (seen,) = (await client.visits()).visits
    (kept,) = site.notes.kept.values()
    assert (seen.standing, seen.try_count) == (Standing.RESTING, 0)
    assert (kept.call_id, kept.customer_id) == (visit.call_id, CUSTOMER)
    assert (kept.note.author, kept.note.text) == (KIM, "asked for Monday")


async def test_a_skip_without_a_reason_or_by_a_supervisor_is_refused(site: DeskSite, visit: Visit) -> None:
    agent, supervisor = await logged_in(site), await logged_in(site, "lee")

    reasons = []
    for client, reason in ((agent, "  "), (agent, "a\nb"), (supervisor, "wrong number")):
        with pytest.raises(RefusedError) as refused:
            await client.skip_visit(visit.call_id, reason, is_for_good=True)
        reasons.append(refused.value.reason)

    assert reasons == ["FIELD_INVALID", "FIELD_INVALID", "ROLE_FORBIDS"]
    assert site.visits.kept[visit.call_id] == visit


# --- at a terminal ----------------------------------------------------------------------


async def test_a_person_sees_who_is_next_and_calls_by_keys(
    site: DeskSite, visit: Visit, secret: Path, children: list[PtyChild]
) -> None:
    child = desk(children, site, secret)
    await child.shows("not ready")

    child.press("v")
    await child.shows("Call 王小明")
    before = list(site.desk.floor.outbound())
    child.press("1")
    await until_agent(site, AgentState.RINGING)

    assert before == []
    assert [each.agent_id for each in site.desk.floor.outbound()] == [KIM]
    assert site.visits.kept[visit.call_id].outbound_id is not None


async def test_a_person_is_told_that_nobody_is_to_be_called_or_that_a_visit_has_ended(
    site: DeskSite, visit: Visit, secret: Path, children: list[PtyChild]
) -> None:
    site.visits.numbers.clear()
    child = desk(children, site, secret)
    await child.shows("not ready")

    child.press("v")
    await child.shows("Call 王小明")
    child.press("1")
    await child.shows("not known any more")
    child.press("1")
    child.press("v")
    await child.shows("nobody is to be called")

    assert site.visits.kept[visit.call_id].outcome is VisitOutcome.NO_NUMBER


async def test_a_person_takes_a_visit_off_the_list_by_keys(
    site: DeskSite, visit: Visit, secret: Path, children: list[PtyChild]
) -> None:
    child = desk(children, site, secret)
    await child.shows("not ready")

    child.press("v")
    await child.shows("Take off the list: wrong number")
    for key in "wrong":
        child.press(key)
    child.press("1")
    child.press("v")
    await child.shows("nobody is to be called")

    assert site.visits.kept[visit.call_id].outcome is VisitOutcome.REMOVED
    assert [each.note.text for each in site.notes.kept.values()] == ["wrong number"]


# --- scripts ----------------------------------------------------------------------------


async def test_a_script_works_the_list_off(
    site: DeskSite, visit: Visit, secret: Path, tmp_path: Path
) -> None:
    kim = [*at(site, secret), "--token-file", tmp_path / "kim"]

    listed = await run(*kim, "visits")
    as_json = await run(*kim, "visits", "--json")
    shown = await run(*kim, "next-visit", "--json")
    called = await run(*kim, "visit", visit.call_id)
    (outbound,) = site.desk.floor.outbound()
    gone = await run(*kim, "visit", visit.call_id)
    nobody = await run(*kim, "next-visit")

    assert [each[0] for each in (listed, as_json, shown, called, gone, nobody)] == [0, 0, 0, 0, 2, 0]
    assert "王小明" in listed[1]
    assert "to be called" in listed[1]
    assert json.loads(as_json[1])["visits"][0]["call_id"] == visit.call_id
    assert json.loads(shown[1])["visits"][0]["kept_for"] == KIM
    assert "your phone rings" in called[1]
    assert outbound.agent_id == KIM
    assert "another agent has the return visit" in gone[2]
    assert "nobody is to be called" in nobody[1]


async def test_a_script_is_told_why_a_visit_has_ended_without_a_call(
    site: DeskSite, visit: Visit, secret: Path, tmp_path: Path
) -> None:
    barred = replace(a_visit(), due_date="2026-01-01")
    site.visits.add([barred])
    site.visits.numbers.clear()
    site.visits.numbers[barred.call_id] = "+4420794600"
    kim = [*at(site, secret), "--token-file", tmp_path / "kim"]

    no_number = await run(*kim, "visit", visit.call_id)
    not_allowed = await run(*kim, "visit", barred.call_id)

    assert (no_number[0], not_allowed[0]) == (0, 0)
    assert "not known any more" in no_number[1]
    assert "may not be dialled" in not_allowed[1]


async def test_a_script_puts_a_visit_off_or_takes_it_off(
    site: DeskSite, visit: Visit, secret: Path, tmp_path: Path
) -> None:
    other = a_visit()
    site.visits.add([other])
    kim = [*at(site, secret), "--token-file", tmp_path / "kim"]

    rests = await run(*kim, "skip-visit", visit.call_id, "asked for Monday")
    again = await run(*kim, "skip-visit", visit.call_id, "asked for Monday")
    is_off = await run(*kim, "skip-visit", other.call_id, "wants no call", "--for-good")

    assert [each[0] for each in (rests, again, is_off)] == [0, 2, 0]
    assert "the visit rests" in rests[1]
    assert "off the list" in is_off[1]
    assert site.visits.kept[other.call_id].outcome is VisitOutcome.REMOVED
    assert {each.note.text for each in site.notes.kept.values()} == {"asked for Monday", "wants no call"}
