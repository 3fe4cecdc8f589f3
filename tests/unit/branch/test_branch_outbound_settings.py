"""[outbound] and [callback]: what a file may say, and that it allows nothing by itself."""

from datetime import time

import pytest
from pydantic import ValidationError

from branch.outbound_settings import CallbackSection, OutboundSection
from router.errors import NotAllowedError
from router.ids import LineId, SiteId
from router.outbound.routes import Routes

HOME = SiteId("beijing")


def outbound(**values: object) -> OutboundSection:
    return OutboundSection.model_validate(values)


def test_without_a_section_nothing_may_be_dialled() -> None:
    with pytest.raises(NotAllowedError):
        Routes(HOME, outbound().policy()).choose("+861066661111")


def test_lines_routes_and_guests_become_the_policy() -> None:
    section = outbound(
        line=[{"name": "line-1", "call_limit": 3}],
        route=[{"prefix": "+8610", "site": "beijing", "line": "line-1", "cost": 0.1, "guests": ["hq"]}],
        emergency_line="line-1",
        emergency_numbers=["110"],
    )

    routes = Routes(HOME, section.policy())

    assert section.policy().lines == {LineId("line-1"): 3}
    assert routes.choose_for(SiteId("hq"), "+861066661111").line_id == "line-1"
    assert routes.choose("110").is_emergency


@pytest.mark.parametrize(
    "values",
    [
        {"route": [{"prefix": "8610", "site": "beijing", "line": "line-1"}]},
        {"line": [{"name": "line-1"}, {"name": "line-1"}]},
        {"line": [{"name": "a/b"}]},
        {"emergency_numbers": ["110"]},
        {"emergency_line": "nowhere"},
    ],
)
def test_what_could_not_be_carried_out_is_a_fault_of_the_file(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        outbound(**values)


def test_customers_are_called_back_in_the_day_unless_the_file_says_otherwise() -> None:
    (hours,) = CallbackSection().hours

    assert (hours.begin, hours.end) == (time(9), time(20))


def test_hours_that_end_before_they_begin_are_a_fault() -> None:
    with pytest.raises(ValidationError):
        CallbackSection.model_validate({"hours": [{"begin": "20:00", "end": "09:00"}]})
