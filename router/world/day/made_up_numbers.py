"""Telephone numbers for callers who do not exist.

What needs a caller's number (return visits, callbacks, cards, customers by number) can be tried
with them, and nobody real is ever dialled: 555-0100 to 555-0199 are set aside for fiction in
every area code of North America.
"""

import re
import zlib

from router.ids import CustomerId

_FIRST_AREA = 201
_NUMBERS_PER_AREA = 100
COUNT = 10_000
"""More than the customers of a made-up day (`BusyHour.customer_count`), whose ids count from 0."""


def made_up_number(customer_id: CustomerId) -> str:
    """The customer's number in E.164, the same at every site; a customer named by a number has that one.

    By the digits that the id ends with: c04181 has another number than c04182. Two ids that end
    alike may share one, as people in one household do.
    """
    if customer_id.startswith("+"):
        return customer_id
    digits = re.search(r"[0-9]+$", customer_id)
    index = (int(digits[0][-9:]) if digits else zlib.crc32(customer_id.encode())) % COUNT
    area, last = divmod(index, _NUMBERS_PER_AREA)
    return f"+1{_FIRST_AREA + area}55501{last:02}"
