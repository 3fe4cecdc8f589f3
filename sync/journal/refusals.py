"""What the journal refuses, on either side of the pull."""

from router.errors import RouterError


class NotHqError(RouterError):
    """Somebody other than HQ asked for a site's journal."""

    reason = "PEER_IS_NOT_HQ"

    def __init__(self, sender: str) -> None:
        super().__init__(f"{sender} may not read a journal; HQ alone pulls it")
        self.sender = sender


class JournalBusyError(RouterError):
    """HQ pulls this journal already; two at once would only fight for the same rows."""

    reason = "JOURNAL_BUSY"

    def __init__(self, site_id: str) -> None:
        super().__init__(f"the journal of {site_id} is being pulled already; try again later")
        self.site_id = site_id


class ConversationError(RouterError):
    """The other side said something that has no place at this point, or nothing for too long."""

    reason = "JOURNAL_OUT_OF_STEP"

    def __init__(self, problem: str) -> None:
        super().__init__(f"the pull cannot go on: {problem}")


class RejectedError(RouterError):
    """HQ will not take this journal until a person has looked at it.

    `reason` is the instance's own: RESTORED_OR_CLONED, HQ_RESTORED, SCHEMA, ...
    """

    reason = "JOURNAL_REJECTED"

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
