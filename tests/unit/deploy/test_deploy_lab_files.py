"""A lab's files are what a person would write: each node's own reader takes them."""

import stat
import tomllib
from pathlib import Path

from branch.settings import BranchSettings
from branch.telephony.simulated.pbx.settings import PbxSettings
from deploy.lab import files
from deploy.lab.plan import LabPlan, begin_day, make_plan
from hq.settings import HqSettings
from node.plays import read_calls, read_scenario
from node.settings import load
from router.ids import SiteId
from router.world.busy_hour import default_scenario, generate

NOW_S = 1_790_000_000.0


def written(folder: Path) -> tuple[LabPlan, files.Ground]:
    scenario = default_scenario(2, duration_s=600, agents=2)
    plan = make_plan(folder, scenario, generate(scenario, 1), speed=60, now_s=NOW_S)
    ground = files.write_ground(plan, "127.0.0.1:2379", "postgresql+psycopg://u:p@127.0.0.1:5432/hq")
    files.write_nodes(plan, ground)
    return plan, ground


def test_every_node_takes_its_file(tmp_path: Path) -> None:
    plan, _ground = written(tmp_path)

    hq = load(HqSettings, tmp_path / files.HQ_FILE, {})
    assert [site.id for site in hq.site] == ["beijing", "shanghai"]
    for site in plan.sites:
        branch = load(BranchSettings, site.folder / files.BRANCH_FILE, {})
        pbx = load(PbxSettings, site.folder / files.PBX_FILE, {})
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

    files.write_nodes(begin_day(plan, now_s=NOW_S + 5, lead_s=3), ground)

    after = tomllib.loads(file.read_text(encoding="utf-8"))
    assert after.pop("clock") != before.pop("clock")
    assert after == before
