"""How one queue treats its callers."""

from dataclasses import dataclass
from enum import StrEnum

from router.errors import InvalidPolicyError
from router.ids import QueueId, Skills

RING_LIMIT_MS = 15_000
"""How long a phone rings where no queue says otherwise."""


RETENTION_LIMIT_DAYS = 3_650
"""Ten years: a file that is to be kept longer belongs into an archive."""


class Distribution(StrEnum):
    """Which idle agent gets the next call. Changeable at run time."""

    LONGEST_IDLE = "longest-idle"
    CIRCULAR_HUNT = "circular-hunt"
    """Agents in a fixed order, from the one after the last that was rung."""
    RING_ALL = "ring-all"
    LEAST_OCCUPIED = "least-occupied"
    """The smallest share of its session spent on calls, as of when it became idle."""


class LastResort(StrEnum):
    """What becomes of a caller who has waited `wait_limit_ms`."""

    VOICEMAIL = "voicemail"
    CALLBACK = "callback"
    HANG_UP = "hang-up"


class RecordingRule(StrEnum):
    """Which talks of a queue's callers with the site's agents are recorded."""

    OFF = "off"
    ON = "on"
    """All, after the caller was told."""
    ON_DEMAND = "on-demand"
    """Those for which the agent asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePolicy:
    """How one queue treats its callers; one version of it, valid for calls in it too.

    `wrap_up_limit_ms` is counted from the end of the call, not from the agent's
    last key, so a desk left open does not keep its agent away.
    """

    queue_id: QueueId
    version: int = 1
    skills: Skills
    """What an agent must have to serve this queue."""
    distribution: Distribution = Distribution.LONGEST_IDLE
    ring_limit_ms: int = RING_LIMIT_MS
    ring_all_limit: int = 8
    """Phones that ring-all rings at once."""
    wrap_up_limit_ms: int = 0
    """0: no wrap-up; the agent is ready when the call ends."""
    waiting_call_limit: int = 10_000
    """More callers than this are turned away as REJECTED."""
    wait_limit_ms: int = 3_600_000
    last_resort: LastResort = LastResort.HANG_UP
    priority_head_start_ms: int = 30_000
    """A priority class counts as this much longer waited: fixed, so an order once made never changes."""
    announce_interval_ms: int = 30_000
    """0: no position and wait announcements."""
    short_abandon_ms: int = 5_000
    is_overflow_allowed: bool = True
    service_level_ms: int = 20_000
    recording: RecordingRule = RecordingRule.OFF
    recording_retention_days: int = 90
    """How long a recording's file is kept, in days after the one on which it began."""

    def __post_init__(self) -> None:
        """Raises:
        InvalidPolicyError: a value the machine could not carry out.
        """
        positive = (
            "ring_limit_ms",
            "ring_all_limit",
            "waiting_call_limit",
            "wait_limit_ms",
            "service_level_ms",
            "recording_retention_days",
        )
        for name in positive:
            if getattr(self, name) <= 0:
                raise InvalidPolicyError(
                    f"queue {self.queue_id!r}, {name}", f"must be above 0, is {getattr(self, name)}"
                )
        for name in (
            "wrap_up_limit_ms",
            "priority_head_start_ms",
            "announce_interval_ms",
            "short_abandon_ms",
        ):
            if getattr(self, name) < 0:
                raise InvalidPolicyError(
                    f"queue {self.queue_id!r}, {name}", f"must not be negative, is {getattr(self, name)}"
                )
