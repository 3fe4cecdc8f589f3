"""[visits]: what a file may say, and that nobody is visited by itself."""

from datetime import time

import pytest
from pydantic import ValidationError

from branch.visit_settings import VisitsSection
from router.ids import QueueId
from router.visit.policy import VisitPolicy


def test_without_a_section_nobody_is_put_on_the_list() -> None:
    section = VisitsSection()

    assert section.policy() == VisitPolicy()
    assert section.policy().share == 0.0
    assert [(each.begin, each.end) for each in section.hours] == [(time(9), time(20))]


def test_what_the_file_says_becomes_the_policy() -> None:
    section = VisitsSection.model_validate(
        {"after_days": 3, "share": 0.25, "queues": ["sales"], "try_limit": 5, "pause_s": 60}
    )

    assert section.policy() == VisitPolicy(
        after_days=3, share=0.25, queues=frozenset({QueueId("sales")}), try_limit=5, pause_s=60
    )


@pytest.mark.parametrize(
    "values",
    [
        {"share": 1.5},
        {"share": float("nan")},
        {"after_days": 0},
        {"try_limit": 0},
        {"pause_s": 0},
        {"hours": [{"begin": "20:00", "end": "09:00"}]},
        {"shares": 0.1},
    ],
)
def test_what_could_not_be_carried_out_is_a_fault_of_the_file(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        VisitsSection.model_validate(values)
