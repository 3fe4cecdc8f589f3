"""What the driver needs of a connection to a PBX."""

from typing import Any, Protocol

from branch.telephony.driver.vocabulary import Do, Frame


class LinkLostError(ConnectionError):
    """The connection ended before the answer came; the request may have been carried out."""


class PbxLink(Protocol):
    """One connection, from its opening to its end. A silent PBX counts as a lost one."""

    run: str
    """Names the PBX's own life: changes when the PBX was restarted."""

    async def ask(self, do: Do) -> Any:
        """Ask for a list and wait for it.

        Raises:
            LinkLostError: the connection ended first.
        """
        ...

    def send(self, frame: Frame) -> None:
        """Send a request whose reply comes with `next`. Requests about one channel keep their order."""
        ...

    async def next(self) -> Frame | None:
        """The next event, or reply to something sent, in the order of their coming; None at the end."""
        ...

    async def close(self) -> None:
        """Leave; the PBX goes on."""
        ...
