import random

from router import facts, orders
from router.acd.policy import QueuePolicy
from router.call import CallState, Disposition
from router.floor import Floor
from router.ids import AgentId, CallId, Instant, QueueId, SiteId, Skill
from router.ledger import CallEnded, Entry, VoicemailBegan
from router.overflow.policy import OverflowPolicy
from router.records.fold import RecordFold
from router.records.moment import Moment
from router.recovery import Inventory, OpenWork
from router.world.tokens import id_maker
from tests.ledgers import START_UTC_US, Ledger

SALES = QueueId("sales")
CALL = CallId("c1")
ANNA = AgentId("a/anna")
SKILLS = frozenset({Skill("sales")})


def floor(incarnation: int) -> Floor:
    return Floor(
        site_id=SiteId("a"),
        incarnation=incarnation,
        policies=[QueuePolicy(queue_id=SALES, skills=SKILLS)],
        overflow=OverflowPolicy(is_enabled=False),
        new_id=id_maker(1),
        rng=random.Random(1),
        mint_token=lambda handoff_id, site_id: f"{handoff_id} {site_id}",
    )


def entries(outcome: orders.Outcome) -> list[Entry]:
    return [item for item in outcome if isinstance(item, Entry)]


def left_alone_after_voicemail_began() -> tuple[Ledger, orders.Outcome]:
    before, ledger = floor(1), Ledger("a")
    ledger.at(
        0, *entries(before.handle(facts.CallArrived(call_id=CALL, queue_id=SALES, dialled="1"), Instant(0)))
    )
    chosen = before.handle(facts.CallerChoseVoicemail(call_id=CALL), Instant(5_000))
    return ledger.at(5, *entries(chosen)), chosen


def open_work(ledger: Ledger) -> OpenWork:
    fold = RecordFold()
    for row in ledger.rows:
        fold.apply(row)
    return fold.open_work(Moment(utc_us=START_UTC_US + 9_000_000, mono_ms=Instant(9_000), incarnation=2))


def test_the_row_that_a_voicemail_began_stands_before_the_order_to_record() -> None:
    _, chosen = left_alone_after_voicemail_began()

    assert [type(item) for item in chosen] == [VoicemailBegan, orders.RecordVoicemail]


def test_a_caller_who_leaves_a_message_is_not_queued_again_by_a_restart() -> None:
    ledger, _ = left_alone_after_voicemail_began()
    after = floor(2)

    resumed = after.resume(open_work(ledger), Inventory(callers=frozenset({CALL})), Instant(9_000))
    after.handle(facts.AgentLoggedIn(agent_id=ANNA, skills=SKILLS), Instant(9_001))
    ready = after.handle(facts.AgentBecameReady(agent_id=ANNA), Instant(9_002))
    done = entries(after.handle(facts.VoicemailRecorded(call_id=CALL), Instant(12_000)))

    assert [type(item) for item in resumed] == [orders.RecordVoicemail]
    assert not any(isinstance(item, orders.RingAgent) for item in ready)
    assert [item.disposition for item in done if isinstance(item, CallEnded)] == [Disposition.VOICEMAIL]


def test_the_restarted_floor_shows_the_call_as_ending() -> None:
    ledger, _ = left_alone_after_voicemail_began()
    after = floor(2)

    after.resume(open_work(ledger), Inventory(callers=frozenset({CALL})), Instant(9_000))

    assert [call.state for call in after.calls()] == [CallState.ENDING]
