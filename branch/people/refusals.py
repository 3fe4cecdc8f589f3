"""What people are refused, and why."""

from router.errors import NotAllowedError, RouterError
from sync.records.tables import PersonRole

_SHOWN_DIGITS = 2


class WrongCredentialsError(RouterError):
    """Name and password do not belong together; which of the two is wrong is not said."""

    reason = "CREDENTIALS_WRONG"

    def __init__(self) -> None:
        super().__init__("name or password is wrong")


class LoginLimitedError(RouterError):
    """Too many wrong passwords for this name, or too many log-ins at once."""

    reason = "LOGIN_LIMITED"

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"too many attempts to log in; try again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


class NotLoggedInError(RouterError):
    """There is no token, or it is not good any more."""

    reason = "NOT_LOGGED_IN"

    def __init__(self, why: str) -> None:
        super().__init__(f"not logged in: {why}; log in (again)")
        self.why = why


class SessionStaleError(RouterError):
    """The token is of a former run of the branch, which has forgotten everybody."""

    reason = "SESSION_STALE"

    def __init__(self) -> None:
        super().__init__("the branch was restarted since; log in again")


class RoleForbidsError(RouterError):
    """The person's role does not allow this."""

    reason = "ROLE_FORBIDS"

    def __init__(self, role: PersonRole, act: str) -> None:
        super().__init__(f"the role {role} may not {act}")
        self.role = role
        self.act = act


class NotAToolError(RouterError):
    """The caller's certificate is a node's; desks are for people."""

    reason = "PEER_IS_NO_TOOL"

    def __init__(self, sender: str) -> None:
        super().__init__(
            f"{sender} may not use the desk; "
            "use an operator's certificate (`trunkline pki issue operator NAME`)"
        )
        self.sender = sender


class UnknownCustomerError(RouterError):
    """The site knows no customer with this id."""

    reason = "CUSTOMER_UNKNOWN"

    def __init__(self, customer_id: str) -> None:
        super().__init__(f"customer {customer_id!r} is not known at this site")
        self.customer_id = customer_id


class UnknownVisitError(RouterError):
    """There is no such return visit on the list, or not any more."""

    reason = "VISIT_UNKNOWN"

    def __init__(self, call_id: str) -> None:
        super().__init__(f"no return visit for call {call_id!r} is on the list; look at it again")
        self.call_id = call_id


class VisitNotDueError(RouterError):
    """The customer may not be called yet."""

    reason = "VISIT_NOT_DUE"

    def __init__(self, call_id: str, state: str) -> None:
        """`state`: LATER or RESTING."""
        super().__init__(
            f"the customer of call {call_id!r} may not be called yet: the visit's day has not come, "
            "or the pause after the last try is not over"
        )
        self.call_id = call_id
        self.state = state


class OutOfHoursError(RouterError):
    """Customers may not be called at this hour."""

    reason = "OUT_OF_HOURS"

    def __init__(self) -> None:
        super().__init__("customers may not be called at this hour; see [[visits.hours]] in the site's file")


class VisitTakenError(RouterError):
    """Another agent looks at this visit, or is calling the customer."""

    reason = "VISIT_TAKEN"

    def __init__(self, call_id: str) -> None:
        super().__init__(f"another agent has the return visit for call {call_id!r}; take the next one")
        self.call_id = call_id


class UnknownMessageError(RouterError):
    """No caller has left this message."""

    reason = "MESSAGE_UNKNOWN"

    def __init__(self, call_id: str) -> None:
        super().__init__(f"there is no message {call_id!r} at this site")
        self.call_id = call_id


class UnknownContactError(RouterError):
    """The site has had nothing to do with this call."""

    reason = "CONTACT_UNKNOWN"

    def __init__(self, call_id: str) -> None:
        super().__init__(f"no call {call_id!r} is known at this site; look at its id again")
        self.call_id = call_id


class ContactNotYoursError(RouterError):
    """The agent has not talked on this call."""

    reason = "CONTACT_NOT_YOURS"

    def __init__(self, call_id: str) -> None:
        super().__init__(f"you have not talked on call {call_id!r}; whoever has may write a note on it")
        self.call_id = call_id


class NoteLimitError(RouterError):
    """There are enough notes on this call."""

    reason = "NOTE_LIMIT"

    def __init__(self, call_id: str) -> None:
        super().__init__(f"call {call_id!r} has as many notes as one may have; nothing was kept")
        self.call_id = call_id


class OriginAwayError(RouterError):
    """The call is another site's, which cannot be reached; nothing was kept anywhere that we know of."""

    reason = "ORIGIN_AWAY"

    def __init__(self, site_id: str) -> None:
        super().__init__(
            f"the note belongs to site {site_id!r}, whose call it was, and that site does not answer; "
            "write it again later"
        )
        self.site_id = site_id


class RequestIdReusedError(RouterError):
    """The request_id stood on another request before."""

    reason = "REQUEST_ID_REUSED"

    def __init__(self, request_id: str) -> None:
        super().__init__(f"request_id {request_id!r} was used for another request; make a new one")
        self.request_id = request_id


class WeakPasswordError(RouterError):
    """The password cannot be taken."""

    reason = "PASSWORD_WEAK"

    def __init__(self, why: str) -> None:
        super().__init__(f"this password is not taken: {why}")
        self.why = why


class CountryMissingError(RouterError):
    """A number without a country code, typed at a site whose file does not say its country."""

    reason = "COUNTRY_MISSING"

    def __init__(self, shown: str) -> None:
        super().__init__(
            f"a number that begins with {shown!r} does not say its country; "
            "write it as +8613800138000, or set country in [site] of the site's file"
        )
        self.shown = shown


def unreadable_number(typed: str, country: str | None) -> RouterError:
    """Why what somebody typed is no number. It shows two digits, enough to know it again."""
    shown = typed[:_SHOWN_DIGITS]
    if country is None and not typed.startswith("+"):
        return CountryMissingError(shown)
    return NotAllowedError(shown)
