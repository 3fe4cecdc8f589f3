"""Numbers as the world writes them: E.164."""

import phonenumbers


def e164(number: str | None, country: str | None) -> str | None:
    """The number in E.164; None when it is withheld, or no number of anybody's.

    `country` is where a number without a country code is from.
    """
    if not number:
        return None
    try:
        parsed = phonenumbers.parse(number, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
