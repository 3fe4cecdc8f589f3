"""A lab's files are what a person would write: each node's own reader takes them."""

import stat
import tomllib
from datetime import time
from pathlib import Path

import pytest

from branch.settings import BranchSettings
from branch.telephony.settings import AsteriskTelephonySection
from branch.telephony.simulated.pbx.settings import PbxSettings
from deploy.lab import files
from deploy.lab.asterisks import AsteriskTelephony
from deploy.lab.plan import LabPlan, begin_day, make_plan
from deploy.lab.simulated import PBX_FILE, SimulatedTelephony
from hq.settings import HqSettings
from node.plays import read_calls, read_scenario
from node.settings import load
from router.ids import QueueId, SiteId
from router.world.day.busy_hour import default_scenario, generate

NOW_S = 1_790_000_000.0


def written(folder: Path, *, speed: float = 60) -> tuple[LabPlan, files.Ground]:
    scenario = default_scenario(2, duration_s=600, agents=2)
    plan = make_plan(folder, scenario, generate(scenario, 1), speed=speed, now_s=NOW_S)
    ground = files.write_ground(plan, "127.0.0.1:2379", "postgresql+psycopg://u:p@127.0.0.1:5432/hq")
    files.write_nodes(plan, ground, SimulatedTelephony())
    return plan, ground


def test_every_node_takes_its_file(tmp_path: Path) -> None:
    plan, _ground = written(tmp_path)

    hq = load(HqSettings, tmp_path / files.HQ_FILE, {})
    assert [site.id for site in hq.site] == ["beijing", "shanghai"]
    for site in plan.sites:
        branch = load(BranchSettings, site.folder / files.BRANCH_FILE, {})
        pbx = load(PbxSettings, site.folder / PBX_FILE, {})
        assert branch.telephony.address == f"127.0.0.1:{pbx.control.port}"
        assert [agent.id for agent in pbx.people.agent] == [shift.agent_id for shift in site.shifts]


def test_sites_are_each_others_peers_at_the_ports_they_listen_on(tmp_path: Path) -> None:
    plan, _ground = written(tmp_path)
    beijing, shanghai = plan.sites

    [peer] = load(BranchSettings, beijing.folder / files.BRANCH_FILE, {}).overflow.peer

    assert peer.site == SiteId("shanghai")
    assert peer.address == f"127.0.0.1:{shanghai.grpc_port}"
    assert peer.trunk == f"127.0.0.1:{shanghai.trunk_port}"


def test_scenario_and_calls_read_back_as_they_were_planned(tmp_path: Path) -> None:
    plan, _ground = written(tmp_path)

    scenario = read_scenario(tmp_path / files.SCENARIO_FILE)

    assert scenario.site_ids == plan.scenario.site_ids
    assert read_calls(tmp_path / files.CALLS_FILE, scenario) == list(plan.calls)


def test_a_branch_beside_an_asterisk_has_it_where_the_others_dial_it(tmp_path: Path) -> None:
    plan, ground = written(tmp_path)
    beijing, shanghai = plan.sites

    files.write_nodes(plan, ground, AsteriskTelephony(plan.sites))

    own, other = (load(BranchSettings, site.folder / files.BRANCH_FILE, {}) for site in (beijing, shanghai))
    assert isinstance(own.telephony, AsteriskTelephonySection)
    assert isinstance(other.telephony, AsteriskTelephonySection)
    [peer] = own.overflow.peer
    assert peer.trunk == f"{other.telephony.sip.host}:{other.telephony.sip.port}" == other.overflow.trunk
    # Asterisk tells sites and lines apart by their addresses alone.
    hosts = {
        own.telephony.sip.host,
        other.telephony.sip.host,
        own.telephony.line[0].address.partition(":")[0],
    }
    assert len(hosts) == 3
    assert [queue.numbers for queue in own.queue] == [(plan.number_of(QueueId("general")),)]


@pytest.mark.parametrize(("speed", "begins"), [(1, time(0, 0, 1)), (24, time(0, 0, 24)), (120, time(0, 1))])
def test_the_night_begins_a_minute_or_a_real_second_after_midnight(
    speed: float, begins: time, tmp_path: Path
) -> None:
    written(tmp_path, speed=speed)

    assert load(HqSettings, tmp_path / files.HQ_FILE, {}).consolidation.window_start == begins


def test_nobody_else_reads_passwords_or_what_names_them(tmp_path: Path) -> None:
    plan, _ground = written(tmp_path)

    secret = [tmp_path / files.HQ_FILE]
    for site in plan.sites:
        secret += [site.folder / files.PASSWORD_FILE, site.folder / files.BRANCH_FILE]
    assert {stat.S_IMODE(file.stat().st_mode) for file in secret} == {0o600}


def test_files_written_anew_differ_by_the_clock_only(tmp_path: Path) -> None:
    plan, ground = written(tmp_path)
    file = plan.sites[0].folder / files.BRANCH_FILE
    before = tomllib.loads(file.read_text(encoding="utf-8"))

    files.write_nodes(begin_day(plan, now_s=NOW_S + 5, lead_s=3), ground, SimulatedTelephony())

    after = tomllib.loads(file.read_text(encoding="utf-8"))
    assert after.pop("clock") != before.pop("clock")
    assert after == before
