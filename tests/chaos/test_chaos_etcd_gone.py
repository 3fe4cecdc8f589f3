"""etcd is killed and never comes back: sites serve their own callers, and help each other by asking."""

from pathlib import Path

import pytest

from router.ids import HandoffId
from router.ledger import CallConnected, HandoffAsked, HandoffConfirmed
from router.overflow.policy import OverflowPolicy
from tests.chaos.labs import (
    CROWDED,
    HELPER,
    THIRD,
    broken,
    confirmed,
    crowded_lab,
    goes_on,
    is_busy,
    view_age_s,
)

pytestmark = pytest.mark.timeout(480)

VIEW_OUT_S = OverflowPolicy().view_out_ms / 1000


async def test_etcd_gone_for_good_stops_neither_own_callers_nor_overflow(tmp_path: Path) -> None:
    # The view is out after 15 real seconds, which are 450 s of the callers' time.
    async with crowded_lab(tmp_path, duration_s=1500) as lab:
        await lab.until(is_busy, "busy")

        lab.lab.servers.etcd.kill()
        out = await lab.until(
            lambda looks: all(view_age_s(look) > VIEW_OUT_S for look in looks.values()), "are the views out"
        )
        await lab.until(goes_on(out, CROWDED, HELPER, THIRD), "did the sites go on without a view")
        await lab.until(lambda looks: confirmed(looks) >= confirmed(out) + 5, "overflow without a view")
        verdict = await lab.finish()
        rows = lab.books().branches

    assert broken(verdict) == {}
    assert verdict.is_good
    assert verdict.report["lab"]["restarts"] == {}
    blind: set[HandoffId] = {
        row.entry.handoff_id
        for row in rows
        if isinstance(row.entry, HandoffAsked) and row.entry.decision.rule.endswith("_BLIND")
    }
    assert blind & {row.entry.handoff_id for row in rows if isinstance(row.entry, HandoffConfirmed)}
    served = [(row.site_id, row.entry.served_by) for row in rows if isinstance(row.entry, CallConnected)]
    assert all((site, site) in served for site in (CROWDED, HELPER, THIRD))
