"""A lab on real Asterisks: callers and agents at SIP phones, two sites, and a night."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from deploy.lab.books import PbxAccount
from deploy.lab.play import Day, conclude, day_over, night_over, open_lab
from deploy.lab.telephony import Telephony
from router.ids import QueueId, SiteId
from router.world.day.calls import PlannedCall
from router.world.day.scenario import Scenario, ScenarioSite

pytestmark = pytest.mark.timeout(300)

BEIJING, URUMQI = SiteId("beijing"), SiteId("urumqi")
SALES = QueueId("sales")
PATIENT_S, HASTY_S = 20.0, 1.0


def caller(arrive_s: float, patience_s: float = PATIENT_S) -> PlannedCall:
    return PlannedCall(
        arrive_ms=round(arrive_s * 1000),
        site_id=BEIJING,
        queue_id=SALES,
        handle_ms=5_000,
        patience_ms=round(patience_s * 1000),
    )


CALLS = [caller(1), caller(1.5), caller(2), caller(3, HASTY_S), caller(6), caller(7)]
"""At once one more than the three agents; and one who goes before anybody is free."""


def day(calls: Sequence[PlannedCall]) -> Day:
    """All callers at one site, most of the agents at the other."""
    sites = (ScenarioSite(site_id=BEIJING, agents=1), ScenarioSite(site_id=URUMQI, agents=2))
    scenario = Scenario(duration_ms=10_000, ring_ms=1_000, sites=sites, queues=(SALES,))
    return Day(scenario=scenario, calls=calls, speed=1, seed=1, telephony=Telephony.ASTERISK)


async def test_phones_callers_branches_and_hq_tell_of_the_same_calls(tmp_path: Path) -> None:
    played = day(CALLS)
    async with open_lab(played, tmp_path / "lab", lambda _: None) as lab:
        await day_over(lab)
        assert await night_over(lab, lambda _: None), lab.log_of("hq").read_text(encoding="utf-8")[-3_000:]
        verdict = await conclude(lab, played, {})
        accounts = {site.site_id: lab.telephony.account(site) for site in lab.plan.sites}

    assert {law.name: law.violations for law in verdict.laws if law.violation_count} == {}
    assert verdict.is_good
    assert verdict.report["lab"] == {"speed": 1, "planned": len(CALLS), "played": len(CALLS), "restarts": {}}
    beijing, urumqi = (verdict.report["sites"][site] for site in (BEIJING, URUMQI))
    assert (beijing["answered"], beijing["abandoned"]) == (len(CALLS) - 1, 1)
    assert beijing["overflow_out"] == urumqi["overflow_in"] > 0
    assert_people_agree(accounts[BEIJING])
    assert (accounts[URUMQI].offered_count, accounts[URUMQI].stories) == (0, {})


def assert_people_agree(account: PbxAccount) -> None:
    """All but the hasty one were heard by one agent, and hung up themselves."""
    told = sorted((story["conversations"], story["ending"]) for story in account.stories.values())
    assert told == [(0, "we_hung_up"), *[(1, "we_hung_up")] * (len(CALLS) - 1)]
