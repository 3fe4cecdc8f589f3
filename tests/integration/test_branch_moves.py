"""Two real sites whose calls are moved: the caller's own carrier calls the helper's PBX."""

import asyncio
from dataclasses import replace

import pytest

from branch.telephony.driver.vocabulary import Do, Kind
from branch.telephony.simulated.pbx.settings import OnRefer
from branch.telephony.simulated.wire import Play
from deploy.etcd import EtcdCluster
from router.call import Disposition
from router.ledger import CallEnded, HandoffEnded, HandoffMoved, HandoffMoving, HandoffStayed, Role
from tests.fakes.branch_process import BranchProcess
from tests.fakes.ledger_reading import broken_laws, entries, has
from tests.integration.test_branch_cluster import Cluster, agents_ready, cluster, etcd

__all__ = ["cluster", "etcd"]

LIMIT_S = 60.0

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
async def sites(cluster: Cluster, etcd: EtcdCluster) -> tuple[BranchProcess, BranchProcess]:
    """Beijing has callers, Urumqi the one agent; what Beijing hands over is moved."""
    beijing, urumqi = await cluster.add("beijing"), await cluster.add("urumqi", 1)
    beijing.write_file([replace(urumqi.neighbour, media="refer")], etcd=etcd.endpoints)
    urumqi.write_file([beijing.neighbour], etcd=etcd.endpoints)
    await asyncio.gather(beijing.start(), urumqi.start())
    await cluster.until_connected(beijing)
    await agents_ready(urumqi, 1)
    return beijing, urumqi


async def until_alone(branch: BranchProcess) -> None:
    """No leg of any call is left at its PBX."""
    async with asyncio.timeout(LIMIT_S):
        while await branch.pbx.do(Do.LIST_CHANNELS):  # noqa: ASYNC110 - another process's channels
            await asyncio.sleep(0.05)


async def kinds_at(branch: BranchProcess) -> list[str]:
    return sorted(each["kind"] for each in await branch.pbx.do(Do.LIST_CHANNELS))


async def give_up(branch: BranchProcess, caller: str) -> None:
    await branch.pbx.do(Play.GIVE_UP, channel=caller)


async def over(cluster: Cluster) -> list[CallEnded]:
    """The calls that have ended, once both sides of the hand-off have."""
    rows = await cluster.until(lambda rows: has(CallEnded)(rows) and has(HandoffEnded, 2)(rows))
    assert broken_laws(rows) == {}
    return entries(rows, CallEnded)


async def test_a_moved_call_ends_at_the_helper_and_is_counted_once(
    cluster: Cluster, sites: tuple[BranchProcess, BranchProcess]
) -> None:
    beijing, urumqi = sites
    caller = await beijing.pbx.call()
    rows = await cluster.until(has(HandoffMoved, 2))
    await until_alone(beijing)
    assert await kinds_at(urumqi) == [Kind.PHONE, Kind.TRUNK_IN]
    status = await beijing.status()
    assert status is not None
    assert (status.calls, status.handoffs) == ({"CONNECTED_REMOTE": 1}, {"ORIGIN MOVED": 1})

    await give_up(beijing, caller)

    [ended] = await over(cluster)
    assert ended.disposition is Disposition.ANSWERED
    of_origin, of_helper = (
        next(each for each in entries(cluster.rows(), HandoffEnded) if each.role is role)
        for role in (Role.ORIGIN, Role.HELPER)
    )
    assert abs(of_origin.talk_ms - of_helper.talk_ms) <= 1
    assert {each.role for each in entries(rows, HandoffMoved)} == {Role.ORIGIN, Role.HELPER}


async def test_the_links_loss_is_nothing_to_a_moved_call(
    cluster: Cluster, sites: tuple[BranchProcess, BranchProcess]
) -> None:
    beijing, urumqi = sites
    caller = await beijing.pbx.call()
    await cluster.until(has(HandoffMoved, 2))

    await beijing.pbx.do(Play.SET_TRUNKS, is_up=False)

    assert await kinds_at(urumqi) == [Kind.PHONE, Kind.TRUNK_IN]
    await give_up(beijing, caller)
    [ended] = await over(cluster)
    assert ended.disposition is Disposition.ANSWERED


async def test_a_call_whose_carrier_refuses_goes_on_over_the_trunk(
    cluster: Cluster, sites: tuple[BranchProcess, BranchProcess]
) -> None:
    beijing, urumqi = sites
    await beijing.pbx.do(Play.SET_CARRIER, on_refer=OnRefer.REFUSE)
    caller = await beijing.pbx.call()

    rows = await cluster.until(has(HandoffStayed))

    [stayed] = entries(rows, HandoffStayed)
    assert stayed.reason == "NOT_MOVED"
    assert await kinds_at(beijing) == [Kind.CALLER, Kind.TRUNK_OUT]
    await give_up(beijing, caller)
    [ended] = await over(cluster)
    assert ended.disposition is Disposition.ANSWERED
    assert await kinds_at(urumqi) == []


@pytest.mark.parametrize("killed", ["origin", "helper"])
async def test_a_moved_talk_outlives_either_branch_and_is_ended_once(
    cluster: Cluster, sites: tuple[BranchProcess, BranchProcess], killed: str
) -> None:
    beijing, urumqi = sites
    caller = await beijing.pbx.call()
    await cluster.until(has(HandoffMoved, 2))
    branch = beijing if killed == "origin" else urumqi
    await branch.kill()
    await branch.start()
    await cluster.until_connected(branch)
    assert await kinds_at(urumqi) == [Kind.PHONE, Kind.TRUNK_IN], "the talk goes on"

    await give_up(beijing, caller)

    [ended] = await over(cluster)
    assert ended.disposition is Disposition.ANSWERED
    assert len(entries(cluster.rows(), HandoffMoved)) == 2


async def test_a_moved_talk_that_ended_while_its_origin_was_away_is_ended_by_asking(
    cluster: Cluster, sites: tuple[BranchProcess, BranchProcess]
) -> None:
    beijing, urumqi = sites
    caller = await beijing.pbx.call()
    await cluster.until(has(HandoffMoved, 2))
    await beijing.kill()

    await give_up(beijing, caller)
    await cluster.until(has(HandoffEnded))
    await beijing.start()

    [ended] = await over(cluster)
    assert ended.disposition is Disposition.ANSWERED
    assert await kinds_at(urumqi) == []


async def test_a_caller_whose_silent_carrier_outlives_the_branch_is_ended_once(
    cluster: Cluster, sites: tuple[BranchProcess, BranchProcess]
) -> None:
    beijing, urumqi = sites
    await beijing.pbx.do(Play.SET_CARRIER, on_refer=OnRefer.SILENT)
    caller = await beijing.pbx.call()
    await cluster.until(has(HandoffMoving))
    await beijing.kill()
    await beijing.start()
    rows = await cluster.until(has(HandoffStayed))
    assert entries(rows, CallEnded) == []

    await give_up(beijing, caller)

    [ended] = await over(cluster)
    assert ended.disposition is Disposition.ANSWERED
    assert await kinds_at(urumqi) == []
