"""Numbers as people write them into commands and files, brought to E.164 or refused."""

from branch.customers.numbers import e164
from node.troubles import TroubleError
from node.words import text as _


class BadNumberError(TroubleError):
    """The text is no telephone number, or does not say of which country."""

    reason = "NUMBER_BAD"

    def __init__(self, number: str) -> None:
        super().__init__(
            _(
                "{number!r} is no number; write the country code, as +8613800138000, or set it in [site]",
                number=number,
            )
        )
        self.number = number


def written_number(number: str, country: str | None) -> str:
    """The number as `+8613800138000`.

    Raises:
        BadNumberError: it cannot be one of that country, or has no country.
    """
    found = e164(number, country)
    if found is None:
        raise BadNumberError(number)
    return found
