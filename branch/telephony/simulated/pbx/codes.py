"""Feature codes: an agent dials until the branch takes the call and confirms it."""

from collections import deque

from branch.telephony.driver.vocabulary import Cause, Kind
from branch.telephony.simulated.pbx.switch import Channel, Party, Switch
from branch.telephony.simulated.pbx.timers import LabTimers

CONFIRM_LIMIT_S = 3.0
"""A person hears no tone for so long, and tries again; counted in real seconds, since it is
the branch process that they wait for."""


class CodeDialler:
    """One phone's codes, one after the other."""

    def __init__(self, agent_id: str, switch: Switch, timers: LabTimers) -> None:
        self._agent_id = agent_id
        self._switch = switch
        self._timers = timers
        self._wanted: deque[str] = deque()
        self._call: CodeCall | None = None
        self._dialled_count = 0

    def dial(self, code: str) -> None:
        if code not in self._wanted:
            self._wanted.append(code)
        self._next()

    def over(self, *, is_confirmed: bool) -> None:
        """The branch has confirmed the code by hanging up, or nobody took it."""
        self._call = None
        if is_confirmed:
            self._wanted.popleft()
            self._next()
        else:
            self._timers.after_real(CONFIRM_LIMIT_S, self._next)

    def _next(self) -> None:
        if self._call is not None or not self._wanted:
            return
        self._dialled_count += 1
        self._call = CodeCall(self, self._switch, self._timers)
        facts = {"agent": self._agent_id, "code": self._wanted[0]}
        self._call.start(f"code-{self._agent_id}-{self._dialled_count}", facts)


class CodeCall(Party):
    """One try."""

    def __init__(self, dialler: CodeDialler, switch: Switch, timers: LabTimers) -> None:
        self._dialler = dialler
        self._switch = switch
        self._timers = timers

    def start(self, channel_id: str, facts: dict[str, str]) -> None:
        channel = Channel(channel_id=channel_id, kind=Kind.CODE, party=self, facts=facts)
        self._timers.after_real(CONFIRM_LIMIT_S, lambda: self._switch.end(channel, Cause.NO_ANSWER))
        self._switch.arrive(channel)

    def ended(self, cause: Cause) -> None:
        self._dialler.over(is_confirmed=cause is Cause.NORMAL)
