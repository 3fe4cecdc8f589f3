import pytest

from router.ids import QueueId, SiteId, Skill
from router.problems import BadInputError
from router.world.day.callers import BusyHour, Surge
from router.world.day.faults import SiteOutage
from router.world.day.scenario import RosterChange, ScenarioLink, parse_scenario

GOOD = """
duration_s = 28800
warmup_s = 1800
board_period_s = 0.5
link_rtt_ms = 60
media_setup_ms = 400
ring_s = 2.0
[[site]]
id = "beijing"
agents = 20
skills = ["PS", "NW"]
home_reserve = 1
max_own_loss = 2.5
[[site]]
id = "urumqi"
agents = 10
[[link]]
from = "beijing"
to = "urumqi"
rtt_ms = 90
cost_s = 5.0
max_legs = 12
[[roster]]
site = "beijing"
from_s = 14400
agents = 12
[[cut_off]]
site = "urumqi"
from_s = 60
until_s = 90.5
"""


def problems_of(text: str) -> list[str]:
    with pytest.raises(BadInputError) as caught:
        parse_scenario(text)
    return [str(problem) for problem in caught.value.problems]


def test_a_scenario_says_sites_links_and_rosters() -> None:
    scenario = parse_scenario(GOOD)

    assert (scenario.duration_ms, scenario.warmup_ms, scenario.board_period_ms) == (
        28_800_000,
        1_800_000,
        500,
    )
    assert scenario.sites[0].skills == frozenset({Skill("PS"), Skill("NW")})
    assert (scenario.sites[0].home_reserve, scenario.sites[1].skills) == (1, None)
    assert [site.max_own_loss for site in scenario.sites] == [2.5, None]
    assert scenario.link(SiteId("urumqi"), SiteId("beijing")) == ScenarioLink(
        rtt_ms=90, cost_s=5.0, max_legs=12
    )
    assert scenario.roster == (RosterChange(site_id=SiteId("beijing"), from_ms=14_400_000, agents=12),)
    assert scenario.cut_offs == (SiteOutage(site_id=SiteId("urumqi"), from_ms=60_000, until_ms=90_500),)
    assert scenario.named_queues() == (QueueId("NW"), QueueId("PS"))


def test_a_site_that_is_cut_off_is_apart_from_all_others_and_not_from_itself() -> None:
    beijing, urumqi = SiteId("beijing"), SiteId("urumqi")
    scenario = parse_scenario(GOOD)

    assert [scenario.is_apart(beijing, urumqi, at) for at in (59_999, 60_000, 90_499, 90_500)] == [
        False,
        True,
        True,
        False,
    ]
    assert scenario.is_apart(urumqi, beijing, 60_000)
    assert not scenario.is_apart(urumqi, urumqi, 60_000)


def test_a_cut_that_ends_before_it_begins_is_a_fault() -> None:
    assert problems_of(GOOD.replace("until_s = 90.5", "until_s = 5")) == [
        "line 30, [[cut_off]] 1, until_s: must be at least 60.0, is 5"
    ]


def test_a_pair_without_a_link_table_has_the_scenarios_round_trip() -> None:
    scenario = parse_scenario('duration_s = 1\nlink_rtt_ms = 75\n[[site]]\nid = "a"\nagents = 1\n')

    assert scenario.link(SiteId("a"), SiteId("b")) == ScenarioLink(rtt_ms=75)


def test_every_fault_is_told_at_once_with_its_line() -> None:
    text = GOOD.replace("agents = 20", "agents = -1")
    text = text.replace('to = "urumqi"', 'to = "kashgar"')
    text = text.replace('site = "beijing"', 'site = "peking"')
    text = text.replace("ring_s = 2.0", 'ring_s = "two"\ncolour = "red"')

    problems = problems_of(text)

    known = "board_period_s, callers, cut_off, duration_s, link, link_rtt_ms, media_setup_ms, queues, "
    known += "ring_s, roster, site, surge, warmup_s"
    assert problems == [
        "line 7, ring_s: must be a number, is 'two'",
        f"line 8, colour: is not a known key; known here: {known}",
        "line 11, [[site]] 1 (beijing), agents: must be at least 0, is -1",
        "line 20, [[link]] 1, to: unknown site kashgar; [[site]] names beijing, urumqi",
        "line 25, [[roster]] 1, site: unknown site peking; [[site]] names beijing, urumqi",
    ]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("", "duration_s: is missing"),
        ("duration_s = true", "must be a number, is True"),
        ("duration_s = nan", "must be a number, is nan"),
        ("duration_s = 0", "must be at least 0.001"),
        ("duration_s = 10\nwarmup_s = 10", "must be shorter than duration_s"),
        ("duration_s = 10\nsite = 3", "must be written as [[site]] tables"),
        ("duration_s = 10\nlink_rtt_ms = 1.5", "must be a whole number"),
        ("duration_s = 10\ncallers = 3", "must be written as a [callers] table"),
        ("duration_s = 10\n[callers]\nmood = 3", "mood: is not a known key"),
        (
            'duration_s = 10\n[[surge]]\nsite = "a"\nfrom_s = 5\nuntil_s = 4\ntimes = 2',
            "until_s: must be at least 5",
        ),
        (
            'duration_s = 10\n[[surge]]\nsite = "a"\nfrom_s = 5\nuntil_s = 6\ntimes = 0.5',
            "times: must be at least 1",
        ),
    ],
)
def test_a_bad_number_is_refused_with_its_place(line: str, problem: str) -> None:
    sites = "" if "site =" in line else '[[site]]\nid = "a"\nagents = 1\n'

    assert any(problem in told for told in problems_of(f"{line}\n{sites}"))


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("-1", "max_own_loss: must be at least 0, is -1"),
        ("100.5", "max_own_loss: must be at most 100, is 100.5"),
        ("true", "max_own_loss: must be a number, is True"),
        ("inf", "max_own_loss: must be a number, is inf"),
    ],
)
def test_a_limit_to_what_helping_costs_is_a_number_of_points(value: str, problem: str) -> None:
    told = problems_of(GOOD.replace("max_own_loss = 2.5", f"max_own_loss = {value}"))

    assert len(told) == 1
    assert told[0].startswith("line 13, [[site]] 1 (beijing), ")
    assert problem in told[0]


def test_a_scenario_says_what_its_made_up_callers_are_like() -> None:
    scenario = parse_scenario(
        'duration_s = 100\nqueues = ["PS"]\n[[site]]\nid = "a"\nagents = 1\n'
        "[callers]\noccupancy = 0.5\nvip_share = 0.1\n"
        '[[surge]]\nsite = "a"\nfrom_s = 10\nuntil_s = 20\ntimes = 5\n'
    )

    surge = Surge(site_id=SiteId("a"), from_s=10, until_s=20, times=5)
    assert scenario.callers == BusyHour(
        occupancy=0.5, vip_share=0.1, queues=(QueueId("PS"),), surges=(surge,)
    )


def test_a_missing_key_is_one_fault_not_two() -> None:
    assert problems_of('[[site]]\nid = "a"\nagents = 1\n') == ["duration_s: is missing"]


def test_no_site_at_all_is_refused() -> None:
    assert problems_of("duration_s = 10") == ["site: at least one [[site]] is needed"]


def test_ids_that_are_none_are_refused_where_they_stand() -> None:
    told = problems_of(
        'duration_s = 10\nqueues = ["pre sales"]\n[[site]]\nid = "Bei Jing"\nagents = 1\n'
        '[[site]]\nid = "urumqi"\nagents = 1\nskills = ["ＰＳ"]\n'
    )

    assert any("queues: 'pre sales' is no id" in each for each in told)
    assert any("id: 'Bei Jing' is no site id" in each for each in told)
    assert any("skills: 'ＰＳ' has full-width" in each and "write 'PS'" in each for each in told)


def test_a_site_named_twice_is_refused() -> None:
    site = '[[site]]\nid = "a"\nagents = 1\n'

    assert problems_of("duration_s = 10\n" + site + site) == [
        "line 6, [[site]] 2 (a), id: site a stands here twice"
    ]


def test_a_link_to_itself_or_given_twice_is_refused() -> None:
    link = '[[link]]\nfrom = "beijing"\nto = "urumqi"\n'
    loop = '[[link]]\nfrom = "beijing"\nto = "beijing"\n'

    problems = problems_of(GOOD + link + loop)

    assert [problem.split(": ")[1][:30] for problem in problems] == [
        "this pair of sites has a [[lin",
        "a link joins two different sit",
    ]


def test_a_skill_that_is_no_declared_queue_is_refused() -> None:
    text = 'duration_s = 10\nqueues = ["PS"]\n[[site]]\nid = "a"\nagents = 1\nskills = ["PS", "PSS"]\n'

    assert problems_of(text) == [
        "line 6, [[site]] 1 (a), skills: skill PSS is none of the declared queues: PS"
    ]


def test_broken_toml_is_told_with_its_line() -> None:
    assert "line 2" in problems_of("duration_s = 10\n[[site\n")[0]
