"""Troubles that a person can mend: told in one block at the command line, without a traceback."""


class TroubleError(Exception):
    """Something outside of the program is not as it has to be; the message says what to do.

    The domain's refusals (`router.errors.RouterError`) are told alike; everything else that
    is raised is a fault of ours and shows its traceback.
    """

    reason = "TROUBLE"
    exit_code = 2
    """What a service manager goes by: 2, somebody has to mend it first; 1, it may pass by itself."""
