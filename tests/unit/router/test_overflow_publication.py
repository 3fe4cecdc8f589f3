"""A load record is published on a change that matters, at most every 200 ms, and each 30 s."""

from dataclasses import replace
from typing import Any

import pytest

from router.ids import QueueId, SiteId
from router.overflow.load import QueueLoad, SiteLoad
from router.overflow.policy import OverflowPolicy
from router.overflow.publication import Publication
from tests.fakes.floor import SALES, at

FAR = SiteId("far")
QUEUE = QueueLoad(
    agents_staffed=100,
    agents_idle=0,
    calls_waiting=100,
    head_wait_ms=9_000,
    aht_ms=180_000,
    abandon_rate_per_hour=20.0,
)
LOAD = SiteLoad(
    site_id=SiteId("home"),
    incarnation=1,
    version=1,
    accepting=True,
    queues={SALES: QUEUE},
    link_headroom={FAR: 9},
)


def published(load: SiteLoad = LOAD) -> Publication:
    """A publication whose last record is of the first instant."""
    publication = Publication(OverflowPolicy())
    assert publication.is_due(load, at(0)), "nothing was published yet"
    publication.note(load, at(0))
    return publication


def is_due(seconds: float, *, head_wait_ms: int | None = None, **changes: Any) -> bool:
    """Whether the record is due that has these changes, its head having waited on."""
    waited_ms = 9_000 + round(seconds * 1000) if head_wait_ms is None else head_wait_ms
    queue = replace(QUEUE, head_wait_ms=waited_ms, **changes)
    return published().is_due(replace(LOAD, queues={SALES: queue}), at(seconds))


def test_what_stays_as_it_is_is_published_each_thirty_seconds() -> None:
    assert not is_due(29.999)
    assert is_due(30)


def test_after_a_record_the_next_one_may_follow_in_a_fifth_of_a_second() -> None:
    assert Publication(OverflowPolicy()).earliest(at(7)) == at(7)
    assert published().earliest(at(0.05)) == at(0.2)
    assert published().earliest(at(3)) == at(3)


@pytest.mark.parametrize(
    ("change", "matters"),
    [
        ({"agents_idle": 1}, True),
        ({"calls_waiting": 105}, False),
        ({"calls_waiting": 106}, True),
        ({"calls_waiting": 94}, True),
        ({"calls_waiting": 0, "head_wait_ms": 0}, True),
        ({"agents_staffed": 95}, False),
        ({"agents_staffed": 94}, True),
        ({"aht_ms": 189_000}, False),
        ({"aht_ms": 189_001}, True),
        ({"abandon_rate_per_hour": 90.0}, False),
        ({"head_wait_ms": 15_000}, False),
        ({"head_wait_ms": 15_001}, True),
        ({"head_wait_ms": 4_999}, True),
    ],
)
def test_within_five_per_cent_or_five_seconds_nothing_has_changed(
    change: dict[str, Any], matters: bool
) -> None:
    """A second after the last record: a head that waits on has waited 10 s."""
    assert is_due(1, **change) is matters


def test_idle_agents_and_waiting_callers_from_none_to_one_and_back_matter() -> None:
    for name in ("agents_idle", "calls_waiting"):
        for before, after in ((0, 1), (1, 0)):
            first, then = (
                replace(LOAD, queues={SALES: replace(QUEUE, head_wait_ms=0, **{name: count})})
                for count in (before, after)
            )
            assert published(first).is_due(then, at(1))


def test_a_site_that_drains_a_link_that_fills_and_a_new_queue_are_told() -> None:
    publication = published()
    queues = {**LOAD.queues, QueueId("care"): QUEUE}
    calm = replace(QUEUE, head_wait_ms=10_000)

    assert publication.is_due(replace(LOAD, accepting=False), at(1))
    assert publication.is_due(replace(LOAD, queues=queues), at(1))
    for headroom, is_told in ((8, False), (1, False), (0, True)):
        load = replace(LOAD, queues={SALES: calm}, link_headroom={FAR: headroom})
        assert publication.is_due(load, at(1)) is is_told
