"""Troubles that a person can mend: told in one block at the command line, without a traceback."""


class TroubleError(Exception):
    """Something outside of the program is not as it has to be; the message says what to do.

    The domain's refusals (`router.errors.RouterError`) are told alike; everything else that
    is raised is a fault of ours and shows its traceback.
    """

    reason = "TROUBLE"
