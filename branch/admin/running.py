"""The branch of a site's file, as a command on the same machine finds it: running, or not."""

import socket
from ipaddress import ip_address

from branch.settings import BranchSettings
from node.troubles import TroubleError
from node.words import text as _

CONNECT_LIMIT_S = 2.0


class PortUnknownError(TroubleError):
    """The file lets the system choose the port, so nobody can say whether the branch runs."""

    reason = "PORT_UNKNOWN"


def own_address(settings: BranchSettings) -> tuple[str, int]:
    """Where the branch is reached from its own machine.

    Raises:
        PortUnknownError: listen.port is 0.
    """
    if settings.listen.port == 0:
        raise PortUnknownError(_("listen.port is 0 in the site's file, so the branch cannot be found"))
    host = settings.listen.host
    try:
        address = ip_address(host)
    except ValueError:
        return host, settings.listen.port
    if address.is_unspecified:
        host = "127.0.0.1" if address.version == 4 else "::1"
    return host, settings.listen.port


def is_running(settings: BranchSettings) -> bool:
    """Whether somebody listens where the branch would.

    Raises:
        PortUnknownError: listen.port is 0.
    """
    try:
        with socket.create_connection(own_address(settings), timeout=CONNECT_LIMIT_S):
            return True
    except ConnectionRefusedError:
        return False
