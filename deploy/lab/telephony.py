"""What a lab needs of the PBXes beside its branches, of whatever kind, and of the people at their phones."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from deploy.lab.books import PbxAccount
    from deploy.lab.plan import LabPlan, LabSite


class Telephony(StrEnum):
    """Which PBXes the sites have."""

    SIMULATED = "simulated"
    ASTERISK = "asterisk"


class LabTelephony(Protocol):
    """All PBXes of one lab, and everybody who has a phone at them."""

    @property
    def lead_s(self) -> float:
        """Real seconds that the people need, once the nodes are ready, before the day begins."""
        ...

    def section(self, site: "LabSite") -> dict[str, Any]:
        """The branch's [telephony]."""
        ...

    def trunk(self, site: "LabSite") -> str:
        """What other sites' PBXes dial."""
        ...

    def write(self, plan: "LabPlan") -> None:
        """Write what the PBXes read beside the branches' files; again whenever the plan's clock changes.

        Raises:
            OSError: the folder cannot be written.
        """
        ...

    async def configure(
        self, plan: "LabPlan", log_of: Callable[[str], Path], tell: Callable[[str], None]
    ) -> None:
        """Do what can only be done when the branches know their agents.

        Raises:
            TroubleError: the PBXes cannot be had, or not be configured.
        """
        ...

    def command(self, site: "LabSite") -> list[str]:
        """What runs the site's PBX, to its end; once it is configured."""
        ...

    async def play(self, plan: "LabPlan") -> None:
        """Let the people live their day; runs until it is cancelled.

        Raises:
            TroubleError: somebody's phone does not work.
        """
        ...

    def account(self, site: "LabSite") -> "PbxAccount":
        """What the site's PBX, or the people at their phones, saw of its callers. When the nodes are stopped.

        Raises:
            OSError: nobody has written it down.
        """
        ...

    def close(self) -> None:
        """Leave nothing behind outside of the lab's folder."""
        ...
