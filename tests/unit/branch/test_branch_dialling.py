"""What an agent types is read as its site's country writes numbers."""

import pytest

from branch.desk.desk import CallerNumber
from branch.people.dialling import Dialling
from branch.people.refusals import CountryMissingError
from router.errors import NotAllowedError
from router.facts import DialAsked, Fact
from router.ids import AgentId

KIM = AgentId("chengdu/1001")


class KeptNumbers:
    """A desk that takes everything."""

    def __init__(self) -> None:
        self.dialled: list[str] = []

    def handle(self, fact: Fact, caller: CallerNumber | None = None) -> None:
        assert isinstance(fact, DialAsked)
        self.dialled.append(fact.number)


@pytest.fixture
def desk() -> KeptNumbers:
    return KeptNumbers()


def dialling(desk: KeptNumbers, country: str | None) -> Dialling:
    return Dialling(desk=desk, new_id=lambda: "c1", emergency_numbers=("110",), country=country)


def test_a_national_number_is_of_the_sites_country(desk: KeptNumbers) -> None:
    dialling(desk, "CN").dial(KIM, " 028-86661111 ")

    assert desk.dialled == ["+862886661111"]


def test_without_a_country_a_national_number_is_refused_for_the_lack_of_it(desk: KeptNumbers) -> None:
    at = dialling(desk, None)

    with pytest.raises(CountryMissingError, match=r"set country in \[site\]") as refused:
        at.dial(KIM, "028-86661111")
    at.dial(KIM, "+862886661111")
    at.dial(KIM, "110")

    assert refused.value.shown == "02"
    assert desk.dialled == ["+862886661111", "110"]


@pytest.mark.parametrize(("country", "typed"), [("CN", "nonsense"), (None, "+12")])
def test_what_is_nobodys_number_with_a_country_may_not_be_dialled(
    desk: KeptNumbers, country: str | None, typed: str
) -> None:
    with pytest.raises(NotAllowedError):
        dialling(desk, country).dial(KIM, typed)
