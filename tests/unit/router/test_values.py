from typing import TYPE_CHECKING

import pytest

from router.ids import AgentId, SiteId
from router.values import value


@value
class Place:
    site_id: SiteId
    agent_id: AgentId
    serial: int = 0


PLACE = Place(site_id=SiteId("beijing"), agent_id=AgentId("beijing/1"))


def test_values_with_the_same_fields_are_one_member_of_a_set() -> None:
    again = Place(site_id=SiteId("beijing"), agent_id=AgentId("beijing/1"))

    assert {PLACE, again} == {PLACE}
    assert Place(site_id=SiteId("beijing"), agent_id=AgentId("beijing/1"), serial=1) != PLACE


def test_a_value_takes_keywords_alone_and_has_no_other_fields() -> None:
    with pytest.raises(TypeError, match="positional"):
        Place(SiteId("beijing"), AgentId("beijing/1"))  # type: ignore[call-arg]

    with pytest.raises(AttributeError):
        PLACE.mood = "idle"  # type: ignore[attr-defined]


if TYPE_CHECKING:
    # Held by the type checker alone: it reports an `ignore` that nothing needs.
    PLACE.serial = 1  # type: ignore[misc]
