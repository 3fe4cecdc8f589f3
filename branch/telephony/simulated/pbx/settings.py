"""What the simulated PBX's file may say."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator

from node.settings import (
    ClockSection,
    ExistingFile,
    LogSection,
    NodePath,
    PasswordFile,
    Section,
    password_in,
)
from node.settings.values import FullAgentId, SiteSlug
from node.words import text as _

Port = Annotated[int, Field(ge=1, le=65535)]
Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0)]
"""On the lab's clock, as everything that people do."""


class SiteSection(Section):
    """Whose PBX this is."""

    id: SiteSlug


class ControlSection(Section):
    """Where the branch steers it; loopback, with a password that has to be made up by somebody."""

    host: str = "127.0.0.1"
    port: Port
    password_file: PasswordFile

    def password(self) -> SecretStr:
        """Raises:
        OSError: its file cannot be read any more.
        """
        return password_in(self.password_file)


class TrunkSection(Section):
    """Where other sites' PBXes send their calls."""

    host: str = "127.0.0.1"
    port: Port


class AwkwardSection(Section):
    """How unlike a well-behaved server it is, in real time; a real PBX is, on a busy day."""

    seed: int = 0
    duplicate_share: Share = 0.02
    """Events told twice, the second time up to `delay_max_ms` later and after others."""
    delay_max_ms: float = Field(default=20.0, ge=0, le=1_000)
    """Replies to originate come so late, often after the events they caused."""


class AgentSection(Section):
    """One agent with a phone."""

    id: FullAgentId
    person: bool = False
    """Steered from a desk: rings until told, dials no code by itself."""
    from_s: Seconds = 0.0
    """Start and end of the shift, counted from the day's first instant."""
    until_s: Seconds | None = None


class PeopleSection(Section):
    """What agents are like."""

    seed: int = 0
    ring_s: Seconds = 2.0
    """From ringing to the answer."""
    miss_share: Share = 0.0
    """Of the rings: nobody answers."""
    reject_share: Share = 0.0
    busy_share: Share = 0.0
    again_ready_s: Seconds = 30.0
    """After a call not taken, they make themselves ready again."""
    voicemail_s: Seconds = 20.0
    """How long a caller talks to the machine."""
    prompt_s: Seconds = 2.0
    """How long each prompt, and each number in one, takes to play."""
    keys: tuple[Annotated[str, Field(pattern=r"^[0-9*#]+$")], ...] = ()
    """What callers press at the first thing they are played, at the second, and so on."""
    agent: tuple[AgentSection, ...] = ()

    @model_validator(mode="after")
    def _shares_fit(self) -> Self:
        if self.miss_share + self.reject_share + self.busy_share > 1:
            raise ValueError(_("miss_share, reject_share and busy_share together are more than 1"))
        return self


class OnRefer(StrEnum):
    """What a carrier does when it is asked to call another site for one of its callers."""

    MOVE = "move"
    REFUSE = "refuse"
    SILENT = "silent"
    """Promises, and is not heard of again."""


class OnRedirect(StrEnum):
    """What a carrier does when a caller of its own is answered by a 302."""

    FOLLOW = "follow"
    REFUSE = "refuse"
    """Tells its caller that the call has failed."""
    LOSE = "lose"
    """Calls nobody, and its caller hears nothing more."""


class CarrierSection(Section):
    """Whoever brings the callers."""

    on_refer: OnRefer = OnRefer.MOVE
    on_redirect: OnRedirect = OnRedirect.FOLLOW
    redirect_delay_s: float = Field(default=0.1, ge=0, le=60)
    """From the 302 to the carrier's own INVITE; in real time, as every machine's."""


class LineSection(Section):
    """One line to the public network, and the people behind all its numbers.

    A number's last four digits say more than the shares here: 0486 is busy, 0480 rings for
    ever, 0404 is nobody's.
    """

    id: str = Field(min_length=1)
    ring_s: Seconds = 4.0
    """From ringing to the answer."""
    talk_s: Seconds | None = None
    """They hang up so long after their answer; absent: the agent does."""


class CallsSection(Section):
    """Who calls: the site's own lines out of a calls file."""

    scenario: ExistingFile
    file: ExistingFile
    start_utc_us: int | None = Field(default=None, ge=0)
    """The day's first instant on the lab's clock; the process's start when absent."""
    waits: bool = False
    """The day begins when an operator says so (`day.begin`), once everybody is there; `start_utc_us` is
    not looked at."""


class WitnessSection(Section):
    """What the PBX itself saw of its callers."""

    journal: NodePath
    """One JSON line a step, flushed at once and added to by every run."""
    counts: NodePath
    """Its sum, written on exit and when asked for."""


class PbxSettings(Section):
    """A simulated PBX's whole file."""

    site: SiteSection
    control: ControlSection
    trunk: TrunkSection
    people: PeopleSection = PeopleSection()
    carrier: CarrierSection = CarrierSection()
    line: tuple[LineSection, ...] = ()
    calls: CallsSection | None = None
    witness: WitnessSection
    awkward: AwkwardSection = AwkwardSection()
    clock: ClockSection = ClockSection()
    log: LogSection = LogSection()
