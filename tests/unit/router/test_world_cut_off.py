"""A site that is cut off from all others serves its own callers, and comes back without a herd."""

from collections import Counter

import pytest

from router.ids import QueueId, SiteId
from router.ledger import CallConnected, HandoffAsked, HandoffConfirmed, HandoffRefused, LedgerRow, Role
from router.world.clock import START_UTC_US
from router.world.day.calls import PlannedCall
from router.world.day.faults import SiteOutage
from router.world.day.scenario import Scenario, ScenarioLink, ScenarioSite
from router.world.figures.what_if import WhatIf, play_what_if
from router.world.reference.policies import Policy

NEAR, FAR = SiteId("near"), SiteId("far")
CUT = SiteOutage(site_id=FAR, from_ms=60_000, until_ms=180_000)
NOTICED_MS = 15_000
"""By then the site's key has left the board, and its own view is out."""
SHARE_PER_S = 50
RAMP_UP_S = 10


def at_ms(row: LedgerRow) -> int:
    return (row.at_utc_us - START_UTC_US) // 1000


def play(agents: int, calls: list[PlannedCall]) -> tuple[WhatIf, list[LedgerRow]]:
    sites = (ScenarioSite(site_id=NEAR, agents=1), ScenarioSite(site_id=FAR, agents=agents))
    link = ScenarioLink(rtt_ms=60, max_legs=1_000)
    scenario = Scenario(
        duration_ms=600_000, sites=sites, links={frozenset((NEAR, FAR)): link}, cut_offs=(CUT,)
    )
    rows: list[LedgerRow] = []
    played = play_what_if(scenario, calls, policy=Policy.RESERVE_PULL, seed=1, see_row=rows.append)
    assert played.violations == []
    return played, rows


def callers(
    site_id: SiteId, count: int, *, first_s: float, each_s: float, handle_s: float
) -> list[PlannedCall]:
    return [
        PlannedCall(
            arrive_ms=round(1000 * (first_s + number * each_s)),
            site_id=site_id,
            queue_id=QueueId("PS"),
            handle_ms=round(1000 * handle_s),
            patience_ms=None,
        )
        for number in range(count)
    ]


@pytest.fixture(scope="module")
def crowd() -> tuple[WhatIf, list[LedgerRow]]:
    """Two hundred wait beside one agent, while as many idle ones are cut off from them."""
    far = callers(FAR, 6, first_s=65, each_s=20, handle_s=15)
    near = callers(NEAR, 200, first_s=80, each_s=0.4, handle_s=20)
    return play(200, sorted([*far, *near], key=lambda each: each.arrive_ms))


def test_meanwhile_it_serves_its_own_callers_at_once(crowd: tuple[WhatIf, list[LedgerRow]]) -> None:
    played, _rows = crowd
    far = played.report["sites"][FAR]

    assert (far["answered"], far["asa_s"], far["overflow_out"]) == (6, 2.0, 0)


def test_meanwhile_nobody_is_helped_across_and_nobody_asks_in_vain_for_long(
    crowd: tuple[WhatIf, list[LedgerRow]],
) -> None:
    _played, rows = crowd
    cut = [row for row in rows if CUT.covers(at_ms(row))]
    to_near = [row for row in cut if isinstance(row.entry, HandoffAsked) and row.site_id == NEAR]

    assert not any(isinstance(row.entry, HandoffConfirmed) for row in cut)
    assert all(row.entry.reason == "SILENT" for row in cut if isinstance(row.entry, HandoffRefused))
    assert [row for row in to_near if at_ms(row) > CUT.from_ms + NOTICED_MS + 10_000] == []


def test_after_its_return_it_helps_all_who_wait_and_is_asked_ever_more_often(
    crowd: tuple[WhatIf, list[LedgerRow]],
) -> None:
    """A returning site's share of asks grows from nothing to the whole within the ramp-up."""
    _played, rows = crowd
    asked = Counter(
        (at_ms(row) - CUT.until_ms) // 1000
        for row in rows
        if isinstance(row.entry, HandoffAsked)
        and row.entry.role is Role.ORIGIN
        and at_ms(row) >= CUT.until_ms
    )
    last_answer_ms = max(at_ms(row) for row in rows if isinstance(row.entry, CallConnected))

    assert all(count <= SHARE_PER_S * (second + 1) / RAMP_UP_S for second, count in asked.items())
    assert last_answer_ms < CUT.until_ms + 10_000
