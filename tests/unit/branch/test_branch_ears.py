from branch.desk.admission import Admission
from branch.desk.ears import STORE_REFUSES, BoardEar, StoreEar
from branch.store.committer import Commit, Standing
from branch.store.health import StoreState
from router.facts import AcceptingChanged, Fact, LoadSeen
from router.ids import SiteId
from router.overflow.load import SiteLoad
from tests.fakes.hearing_desk import HearingDesk

URUMQI = SiteId("urumqi")


def test_a_site_seen_on_the_board_is_known_by_its_incarnation() -> None:
    desk, seen = HearingDesk(), list[tuple[SiteId, int]]()
    load = SiteLoad(site_id=URUMQI, incarnation=7, version=1, accepting=True, queues={}, link_headroom={})

    BoardEar(desk, lambda site_id, incarnation: seen.append((site_id, incarnation))).load_seen(load)

    assert seen == [(URUMQI, 7)]
    assert desk.facts == [LoadSeen(load=load)]


def standing(state: StoreState) -> Standing:
    return Standing(state=state, waiting_row_count=0, problem=None)


def test_a_store_that_can_keep_no_more_closes_the_site_until_it_can() -> None:
    told: list[Fact] = []
    ear = StoreEar(
        committed=lambda _seq: None, admission=Admission(told.append), note_commit_s=lambda _s: None
    )

    ear.note_standing(standing(StoreState.DEGRADED))
    assert told == []
    ear.note_standing(standing(StoreState.REFUSING))
    ear.note_standing(standing(StoreState.OK))

    assert told == [
        AcceptingChanged(is_accepting=False, reason=STORE_REFUSES),
        AcceptingChanged(is_accepting=True, reason=STORE_REFUSES),
    ]


def test_a_site_that_drains_stays_closed_when_its_store_recovers() -> None:
    told: list[Fact] = []
    admission = Admission(told.append)

    admission.close(STORE_REFUSES)
    admission.close("DRAINING")
    admission.open(STORE_REFUSES)

    assert told == [AcceptingChanged(is_accepting=False, reason=STORE_REFUSES)]


def test_opening_what_was_never_closed_says_nothing() -> None:
    told: list[Fact] = []

    Admission(told.append).open(STORE_REFUSES)

    assert told == []


def test_commits_release_orders_and_are_measured_in_seconds() -> None:
    seqs: list[int] = []
    seconds: list[float] = []
    ear = StoreEar(
        committed=seqs.append, admission=Admission(lambda _fact: None), note_commit_s=seconds.append
    )

    ear.note_commit(Commit(last_seq=9, row_count=3, duration_ms=250))
    ear.note_written(9)

    assert (seqs, seconds) == ([9], [0.25])
