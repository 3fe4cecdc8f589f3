"""What people see while the day is played, drawn from figures as the nodes show them."""

from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from deploy.etcd import EtcdCluster
from deploy.lab.display import Looks, line, picture
from deploy.lab.lab import Lab, Servers
from deploy.lab.looks import Look
from deploy.lab.plan import make_plan
from deploy.lab.processes import LabProcess
from deploy.lab.simulated import SimulatedTelephony
from deploy.postgres import PostgresServer
from node import words
from router.ids import QueueId
from router.world.day.busy_hour import default_scenario, generate
from router.world.day.callers import BusyHour

NOW_S = 1_790_000_000.0
"""When the day begins."""
WIDTH = 100


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    yield
    words.use("en")


def lab(queues: tuple[str, ...] = ("PS", "NE")) -> Lab:
    """A lab that is planned and not started: what is shown comes from the figures."""
    scenario = default_scenario(3, duration_s=600)
    calls = generate(scenario, 1, BusyHour(queues=tuple(map(QueueId, queues))))
    servers = Servers(
        etcd=EtcdCluster(()), postgres=PostgresServer(Path("bin"), Path("data"), {}), hq_url="sqlite://"
    )
    made = Lab(make_plan(Path("lab"), scenario, calls, speed=60, now_s=NOW_S), servers, SimulatedTelephony())
    for site in made.plan.sites:
        for kind in ("branch", "pbx"):
            name = f"{kind}:{site.site_id}"
            made.processes[name] = LabProcess(name, [], Path("log"))
    return made


def look(*samples: tuple[str, tuple[str, ...], float]) -> Look:
    return Look(samples=tuple((name, frozenset(labels), value) for name, labels, value in samples))


BUSY = look(
    ("trunkline_calls", ("QUEUED",), 4),
    ("trunkline_calls", ("OFFERED",), 1),
    ("trunkline_calls", ("CONNECTED",), 11),
    ("trunkline_calls", ("CONNECTED_REMOTE",), 2),
    ("trunkline_calls_waiting", ("PS",), 3),
    ("trunkline_calls_waiting", ("NE",), 2),
    ("trunkline_agents", ("READY",), 6),
    ("trunkline_agents", ("RINGING",), 1),
    ("trunkline_agents", ("TALKING",), 12),
    ("trunkline_calls_ended_total", ("ANSWERED",), 80),
    ("trunkline_calls_ended_total", ("ABANDONED_IN_QUEUE",), 7),
    ("trunkline_handoffs_total", ("ORIGIN", "ASKED", ""), 31),
    ("trunkline_handoffs_total", ("ORIGIN", "CONNECTED", ""), 22),
    ("trunkline_handoffs_total", ("HELPER", "CONFIRMED", ""), 17),
    ("trunkline_handoffs_live", ("DIALING",), 3),
    ("trunkline_handoffs_live", ("CONNECTED",), 40),
    ("trunkline_view_age_seconds", (), 0.4),
)


def drawn(made: Lab, looks: Looks, now_s: float = NOW_S + 5) -> list[str]:
    console = Console(file=StringIO(), width=WIDTH)
    console.print(picture(made, looks, now_s))
    text = console.file
    assert isinstance(text, StringIO)
    return text.getvalue().splitlines()


def cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip("│").split("│")]


def everybody(seen: Look | None) -> Looks:
    return {"beijing": BUSY, "shanghai": seen, "urumqi": BUSY}


def test_a_site_s_row_says_who_waits_talks_and_helps() -> None:
    rows = drawn(lab(), everybody(BUSY))

    [beijing] = [row for row in rows if "beijing" in row]
    assert cells(beijing) == ["beijing", "5", "13", "6", "13", "87", "22", "17", "3", "0.4 s", "0"]


def test_a_site_that_is_down_says_so() -> None:
    rows = drawn(lab(), everybody(None))

    [shanghai] = [row for row in rows if "shanghai" in row]
    assert cells(shanghai) == ["shanghai", *["down"] * 9, "0"]


def test_the_head_counts_down_to_the_day_and_then_to_midnight() -> None:
    made = lab()
    midnight_s = made.plan.clock.real_utc_s(made.plan.midnight_utc_us)

    assert drawn(made, {}, NOW_S - 3)[0].endswith("speed 60: the day begins in 3 s")
    assert drawn(made, everybody(BUSY), midnight_s - 7)[0].endswith(
        f"261 of {len(made.plan.calls)} calls over, midnight in 7 s"
    )


def test_queues_and_hand_offs_are_summed_over_the_sites_that_answer() -> None:
    rows = drawn(lab(), everybody(None))

    assert "waiting by queue: NE 4, PS 6" in rows
    assert "hand-offs: 62 asked, 34 confirmed" in rows


def test_one_queue_needs_no_line_of_its_own() -> None:
    assert not any(row.startswith("waiting by queue") for row in drawn(lab(("general",)), everybody(BUSY)))


@pytest.mark.parametrize("lang", ["en", "zh-CN"])
def test_the_picture_fits_an_ordinary_terminal(lang: str) -> None:
    words.use(lang)

    rows = drawn(lab(), everybody(None))

    assert len(rows) == 10
    assert not any("…" in row for row in rows)


def test_a_log_gets_one_line_a_look() -> None:
    assert line(lab(), everybody(None), NOW_S + 5) == (
        f"{line(lab(), {}, NOW_S + 5)}  |  beijing: 5 waiting, 13 talking, 87 ended  |  shanghai: down"
        "  |  urumqi: 5 waiting, 13 talking, 87 ended"
    )
