"""What an id may be, and that what it may not be is told with what to write."""

from collections.abc import Callable

import pytest

from router.id_rules import agent_fault, full_agent_fault, name_fault, site_fault
from router.problems import Problem

Rule = Callable[[str], Problem | None]


@pytest.mark.parametrize("rule", [site_fault, agent_fault, name_fault])
@pytest.mark.parametrize(
    "odd", ["", " ", "a b", " a", "a ", "a\n", "a\tb", "a\x07", "a,b", "a;b", "a=b", "a/b", 'a"b', "a\u200bb"]
)
def test_blanks_control_and_list_characters_are_in_no_id(rule: Rule, odd: str) -> None:
    fault = rule(odd)

    assert fault is not None
    assert str(fault).isprintable(), "the error may go to a terminal"


@pytest.mark.parametrize("good", ["beijing", "site-13", "7", "a" * 40])
def test_a_sites_id_is_a_slug(good: str) -> None:
    assert site_fault(good) is None


@pytest.mark.parametrize("bad", ["Beijing", "北京", "-a", "a-", "a_b", "a.b", "a" * 41])
def test_what_does_not_fit_a_certificate_is_no_sites_id(bad: str) -> None:
    assert "lower-case" in str(site_fault(bad))


@pytest.mark.parametrize("good", ["1001", "li.lei", "A-7_b"])
def test_an_agents_id_is_what_a_phone_can_be_called(good: str) -> None:
    assert agent_fault(good) is None
    assert full_agent_fault(f"beijing/{good}") is None


def test_an_agent_is_not_named_in_chinese_and_belongs_to_a_site() -> None:
    assert "the name may be Chinese" in str(agent_fault("李雷"))
    assert "beijing/1001" in str(full_agent_fault("1001"))
    assert "no site id" in str(full_agent_fault("北京/1001"))


@pytest.mark.parametrize(
    "good", ["support", "售后", "VIP_1", "c-17", "a@b.cn", "crm:17", "+8613800138000", "é"]
)
def test_queues_skills_and_customers_may_be_named_in_any_language(good: str) -> None:
    assert name_fault(good) is None


@pytest.mark.parametrize("bad", ["-a", "_a", ".a", "+", "a" * 65])
def test_a_name_begins_with_a_letter_or_a_digit_and_has_an_end(bad: str) -> None:
    assert "is no id" in str(name_fault(bad))


@pytest.mark.parametrize(
    ("rule", "wide", "narrow"),
    [
        (name_fault, "ＰＳ", "PS"),
        (agent_fault, "１００１", "1001"),
        (site_fault, "ｂｅｉｊｉｎｇ", "beijing"),
    ],
)
def test_full_width_letters_are_told_as_what_they_were_meant_to_be(
    rule: Rule, wide: str, narrow: str
) -> None:
    assert f"write '{narrow}'" in str(rule(wide))
