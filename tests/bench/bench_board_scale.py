"""2,000 sites on one etcd, changing as a busy hour makes them: what etcd, a site and a choice cost.

A played busy hour of 40 sites gives the records, published by the floors' own dead band; each
simulated site repeats one site's hour from a moment of its own. Real are etcd, the site that
writes the digest, and one whole branch process among them, whose processor time is counted.
"""

import asyncio
import json
import os
import pickle
import random
import statistics
import sys
import tempfile
import timeit
import urllib.request
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from signal import SIGKILL
from typing import Any

from deploy.children import die_with_parent
from deploy.etcd import EtcdCluster, start_etcd
from node import pki
from router.ids import Instant, SiteId
from router.orders import PublishLoad
from router.overflow.board import Board
from router.overflow.choice import Chooser
from router.overflow.links import Links
from router.overflow.policy import OverflowPolicy
from router.world.cluster import Cluster, Watchers
from router.world.day.busy_hour import default_scenario, generate
from router.world.day.callers import BusyHour
from sync.loadboard.etcd.board import EtcdLoadBoard
from sync.loadboard.etcd.settings import EtcdSettings
from tests.bench.board_crowd import Stream
from tests.bench.processor import processor_s
from tests.fakes.board import SALES, BoardEar, site_load
from tests.fakes.branch_process import BranchProcess
from tests.fakes.pbx_process import PbxProcess

COMMAND = "make bench"
SITE_COUNT = 2_000
PROCESS_COUNT = 2
PLAYED_SITE_COUNT = 40
PLAYED_S = 900
WARM_UP_S = 300
SETTLE_S = 10.0
MEASURE_S = 30.0
LIMIT_S = 120.0
QUEUE = "general"

CHOICE_COUNT = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    etcd_cores: float
    branch_cores: float
    writer_cores: float
    ages_s: list[float]
    put_per_s: float
    put_bytes: float
    late_per_s: float
    digest_bytes: float
    sent_bytes_per_s: float


def played_streams() -> list[Stream]:
    """What each site of a busy hour published after the warm-up, and when."""
    scenario = default_scenario(PLAYED_SITE_COUNT, duration_s=PLAYED_S)
    streams: dict[SiteId, Stream] = {site_id: [] for site_id in scenario.site_ids}

    def trace(at_ms: int, site_id: SiteId, item: object) -> None:
        if isinstance(item, PublishLoad) and WARM_UP_S * 1000 <= at_ms < PLAYED_S * 1000:
            streams[site_id].append((at_ms / 1000, item.load))

    watchers = Watchers(see_row=lambda _row: None, object_to=lambda _text: None, trace=trace)
    calls = generate(scenario, 1, BusyHour(occupancy=0.87))
    Cluster(scenario, calls, seed=1, watchers=watchers).play()
    return list(streams.values())


async def _measure(folder: Path) -> Figures:
    async with AsyncExitStack() as stack:
        etcd = start_etcd(folder / "etcd")
        stack.callback(etcd.kill)
        streams = folder / "streams"
        streams.write_bytes(pickle.dumps(played_streams()))
        share = SITE_COUNT // PROCESS_COUNT
        crowds = [
            await _start_crowd(etcd.endpoint, number * share, share, streams, stack)
            for number in range(PROCESS_COUNT)
        ]
        for crowd in crowds:
            assert await _line(crowd) == "ready"
        await _join_as_writer(etcd, stack)
        branch = await _start_branch(folder, etcd.endpoints, stack)
        await asyncio.sleep(SETTLE_S)
        return await _count(etcd, branch, crowds)


async def _count(
    etcd: EtcdCluster, branch: BranchProcess, crowds: list[asyncio.subprocess.Process]
) -> Figures:
    pids = (etcd.members[0].pid, branch.pid, os.getpid())
    for crowd in crowds:
        _tell(crowd)
    before_s, sent_before = [processor_s(pid) for pid in pids], await _sent_bytes(etcd)
    await asyncio.sleep(MEASURE_S)
    after_s, sent_after = [processor_s(pid) for pid in pids], await _sent_bytes(etcd)
    for crowd in crowds:
        _tell(crowd)
    told = [json.loads(await _line(crowd)) for crowd in crowds]
    cores = [(after - before) / MEASURE_S for before, after in zip(before_s, after_s, strict=True)]
    totals = {name: sum(each["per_s"][name] for each in told) for name in told[0]["per_s"]}
    return Figures(
        etcd_cores=cores[0],
        branch_cores=cores[1],
        writer_cores=cores[2],
        ages_s=[age for each in told for age in each["ages_s"]],
        put_per_s=totals["put_count"],
        put_bytes=totals["put_bytes"] / totals["put_count"],
        late_per_s=totals["late_count"],
        digest_bytes=totals["digest_bytes"] / totals["digest_count"],
        sent_bytes_per_s=(sent_after - sent_before) / MEASURE_S,
    )


async def _start_crowd(
    endpoint: str, first: int, count: int, streams: Path, stack: AsyncExitStack
) -> asyncio.subprocess.Process:
    arguments = [
        sys.executable,
        "-m",
        "tests.bench.board_crowd",
        endpoint,
        str(first),
        str(count),
        str(streams),
    ]
    crowd = await asyncio.create_subprocess_exec(
        *die_with_parent(SIGKILL),
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**27,
    )

    async def end() -> None:
        if crowd.returncode is None:
            crowd.kill()
        await crowd.wait()

    stack.push_async_callback(end)
    return crowd


def _tell(crowd: asyncio.subprocess.Process) -> None:
    assert crowd.stdin is not None
    crowd.stdin.write(b"\n")


async def _line(crowd: asyncio.subprocess.Process) -> str:
    assert crowd.stdout is not None
    async with asyncio.timeout(LIMIT_S):
        line = await crowd.stdout.readline()
    assert line, "a crowd's process ended"
    return line.decode().strip()


async def _join_as_writer(etcd: EtcdCluster, stack: AsyncExitStack) -> None:
    """A real board in this process: the only one that may take the seat, until the branch joins too."""
    board, ear = (
        EtcdLoadBoard(EtcdSettings(endpoints=etcd.endpoints, prefix="/trunkline/"), SiteId("writer")),
        BoardEar(),
    )
    await board.start(ear)
    stack.push_async_callback(board.close)
    board.publish(site_load("writer", 1))
    await ear.until(lambda: len(ear.view) >= SITE_COUNT, within_s=LIMIT_S)
    for _ in range(3):
        await ear.until_confirmed_again(within_s=LIMIT_S)


async def _start_branch(folder: Path, etcd: tuple[str, ...], stack: AsyncExitStack) -> BranchProcess:
    certificates = folder / "pki"
    pki.init_ca(certificates, "bench", now=datetime.now(UTC))
    pki.issue(certificates, "site", "beijing", [], now=datetime.now(UTC))
    pbx = PbxProcess(folder / "pbx", "beijing", people="ring_s = 0.1\n")
    stack.push_async_callback(pbx.close)
    await pbx.start()
    branch = BranchProcess(folder / "branch", certificates, pbx)
    stack.push_async_callback(branch.close)
    branch.write_file(etcd=etcd, queue=QUEUE)
    return await branch.start()


async def _sent_bytes(etcd: EtcdCluster) -> float:
    url = f"http://127.0.0.1:{etcd.members[0].metrics_port}/metrics"
    text = await asyncio.to_thread(lambda: urllib.request.urlopen(url, timeout=10).read().decode())
    name = "etcd_network_client_grpc_sent_bytes_total "
    return float(next(line for line in text.splitlines() if line.startswith(name)).removeprefix(name))


def choice_us(site_count: int) -> float:
    """One choice of whom to ask for an agent, among so many that show some."""
    policy = OverflowPolicy()
    board, now = Board(SiteId("home"), policy), Instant(100_000)
    board.confirm(now)
    for number in range(site_count):
        board.see(site_load(f"site-{number}", 1, idle=1 + number % 7), now)
    chooser = Chooser(board, policy, Links(policy), random.Random(1))
    best_s = min(
        timeit.repeat(lambda: chooser.helper_for(SALES, 60.0, (), now), number=CHOICE_COUNT, repeat=3)
    )
    return best_s / CHOICE_COUNT * 1e6


def results() -> list[dict[str, Any]]:
    """Measure and return the rows of the report."""
    with tempfile.TemporaryDirectory(prefix="bench-board-scale-") as folder:
        figures = asyncio.run(_measure(Path(folder)))
    p99_s = statistics.quantiles(figures.ages_s, n=100)[98]
    return [
        _row("etcd_cores_2000_sites", figures.etcd_cores, "cores", 0.5),
        _row("site_process_cores_2000_sites", figures.branch_cores, "cores", 0.05),
        _row("digest_writer_cores", figures.writer_cores, "cores", 0.05),
        _row("view_age_p99_2000_sites", p99_s, "s", 2.0),
        _row("changes_per_s_2000_sites", figures.put_per_s, "1/s", None),
        _row("calls_late_per_s", figures.late_per_s, "1/s", None),
        _row("bytes_per_change", figures.put_bytes, "B", None),
        _row("digest_kb_per_read", figures.digest_bytes / 1_000, "kB", None),
        _row("etcd_sent_mb_per_s", figures.sent_bytes_per_s / 1e6, "MB/s", None),
        _row("choice_among_2000", choice_us(SITE_COUNT), "us", 50.0),
    ]


def _row(name: str, value: float, unit: str, goal: float | None) -> dict[str, Any]:
    return {
        "name": f"board/{name}",
        "value": round(value, 3),
        "unit": unit,
        "better": "lower",
        "goal": goal,
        "command": COMMAND,
    }


if __name__ == "__main__":
    for row in results():
        print(row)
