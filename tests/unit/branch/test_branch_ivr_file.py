"""A flow's file: what it makes, and that all its faults are told at once, each with its line."""

from datetime import date
from pathlib import Path

import pytest

from branch.ivr.reading import read_flow
from node.settings import SettingsError
from router.call import Disposition, Language
from router.flow.nodes import AskNumber, ByHours, Choice, HangUp, Menu, ToQueue
from router.ids import NodeName, QueueId, Skill

EXAMPLE = Path(__file__).parents[3] / "docs" / "ivr.toml"
SALES = QueueId("sales")

SMALL = """\
start = "menu"
default = "person"

[node.menu]
kind = "menu"
prompts = ["main_menu"]
choices = { 1 = "person" }

[node.person]
kind = "queue"
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "ivr.toml"
    path.write_text(text, encoding="utf-8")
    return path


def faults(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        read_flow(written(tmp_path, text), [SALES])
    return [str(fault) for fault in refused.value.faults]


def test_the_example_in_the_documentation_is_without_fault_and_means_what_it_says() -> None:
    nodes = read_flow(EXAMPLE, [SALES]).flow.nodes

    language, opening = nodes[NodeName("language")], nodes[NodeName("opening")]
    assert isinstance(language, Menu)
    assert language.choices["2"] == Choice(to=NodeName("known"), language=Language.ENGLISH)
    assert isinstance(opening, ByHours)
    assert opening.hours.week[5] == ((9 * 60, 12 * 60),)
    assert opening.hours.holidays[date(2026, 10, 1)] == ()
    member = nodes[NodeName("member")]
    assert isinstance(member, AskNumber)
    assert (member.least_digits, member.most_digits, member.try_limit) == (4, 11, 2)
    assert nodes[NodeName("vip")] == ToQueue(priority=9)
    assert nodes[NodeName("repair")] == ToQueue(queue_id=SALES, skills=frozenset({Skill("repair")}))
    assert nodes[NodeName("end")] == HangUp(disposition=Disposition.AFTER_HOURS)


def test_a_menu_without_otherwise_goes_to_the_default(tmp_path: Path) -> None:
    menu = read_flow(written(tmp_path, SMALL), []).flow.nodes[NodeName("menu")]

    assert isinstance(menu, Menu)
    assert menu.otherwise == "person"


def test_every_fault_of_a_section_is_told_with_its_line(tmp_path: Path) -> None:
    text = SMALL.replace('prompts = ["main_menu"]', "prompts = []\nwait_s = 5\ntries = 0")

    told = faults(tmp_path, text)

    assert told == [
        "line 6: node.menu.prompts: must have at least 1 entries",
        "line 7: node.menu.wait_s: is not a known key; did you mean 'wait_ms'?",
        "line 8: node.menu.tries: must be at least 1, got 0",
    ]


def test_every_fault_between_nodes_is_told_with_its_line(tmp_path: Path) -> None:
    text = SMALL.replace('{ 1 = "person" }', '{ 1 = "nobody", X = "person" }')
    text += (
        'queue = "missing"\n[node.lost]\nkind = "hours"\nhours = "none"\nopen = "lost"\nclosed = "person"\n'
    )

    told = faults(tmp_path, text)

    assert told == [
        "line 7: node.menu.choices.1: there is no node 'nobody'",
        "line 7: node.menu.choices.X: is no key of a telephone: 0 to 9, * or #",
        "line 11: node.person.queue: there is no queue 'missing'",
        "line 12: node.lost: leads round without a prompt: lost > lost",
        "line 12: node.lost: no caller can come here from 'menu'",
        "line 14: node.lost.hours: there are no hours 'none'",
    ]


@pytest.mark.parametrize("span", ["9:00-17:00", "17:00-09:00", "09:00", "09:00-24:30", "25:00-26:00"])
def test_a_span_that_is_none_is_a_fault(tmp_path: Path, span: str) -> None:
    [told] = faults(tmp_path, f'{SMALL}[hours.office]\nmon = ["{span}"]\n')

    assert told.startswith(f"line 12: hours.office.mon[0]: '{span}'")


def test_a_holiday_that_is_no_date_is_a_fault(tmp_path: Path) -> None:
    [told] = faults(tmp_path, f"{SMALL}[hours.office.holidays]\n2026-02-30 = []\n")

    assert told == "line 12: hours.office.holidays.2026-02-30: '2026-02-30' is no date; write 2026-10-01"


def test_a_name_with_a_dot_in_it_is_a_fault(tmp_path: Path) -> None:
    [told] = faults(tmp_path, SMALL + '[node."a.b"]\nkind = "queue"\n')

    assert "node.a.b: must match" in told
