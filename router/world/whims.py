"""What people do of their own accord: hold, transfer, go away, log out, leave a message.

Drawn without regard to what is possible: a refusal is a lawful answer, and only that.
"""

import random
from collections.abc import Callable

from router import facts
from router.acd.place import Place
from router.call import CallState
from router.errors import RouterError
from router.facts import Fact
from router.floor import Floor
from router.views import AgentView, CallView
from router.world.loop import Loop
from router.world.node import Node
from router.world.public_lines import NUMBER

WHIM_PERIOD_MS = 1_000

_OUTSIDE = Place(number=NUMBER, ring_limit_ms=6_000)
_REACHES = ((), (_OUTSIDE,), (Place(ring_limit_ms=3_000), _OUTSIDE), (_OUTSIDE, Place()))


class Whims:
    def __init__(self, node: Node, loop: Loop, rng: random.Random, share: float) -> None:
        self._node = node
        self._loop = loop
        self._rng = rng
        self._share = share
        self._until_ms = 0

    def begin(self, until_ms: int) -> None:
        self._until_ms = until_ms
        self._loop.after(WHIM_PERIOD_MS, self._perhaps)

    def _perhaps(self) -> None:
        floor = self._node.floor
        if floor is not None and self._rng.random() < self._share:
            self._act(floor)
        if self._loop.now < self._until_ms:
            self._loop.after(WHIM_PERIOD_MS, self._perhaps)

    def _act(self, floor: Floor) -> None:
        agents, calls = list(floor.agents()), list(floor.calls())
        fact: Fact | None = None
        if calls and self._rng.random() < 0.2:
            fact = self._callers_whim(self._rng.choice(calls))
        elif agents:
            fact = self._agents_whim(floor, self._rng.choice(agents), agents)
        if fact is None:
            return
        try:
            self._node.tell(fact)
        except RouterError:
            return

    def _callers_whim(self, call: CallView) -> Fact | None:
        """Only who waits in the queue hears the menu."""
        if call.state is not CallState.QUEUED:
            return None
        if self._rng.random() < 0.5:
            return facts.CallerChoseVoicemail(call_id=call.call_id)
        return facts.CallerChoseCallback(call_id=call.call_id)

    def _agents_whim(self, floor: Floor, agent: AgentView, agents: list[AgentView]) -> Fact:
        agent_id = agent.agent_id
        queues = [policy.queue_id for policy in floor.policies()]
        whims: tuple[Callable[[], Fact], ...] = (
            lambda: facts.HoldAsked(agent_id=agent_id),
            lambda: facts.ResumeAsked(agent_id=agent_id),
            lambda: facts.HangUpAsked(agent_id=agent_id),
            lambda: facts.WrapupFinished(agent_id=agent_id),
            lambda: facts.TransferAsked(agent_id=agent_id, to_queue=self._rng.choice(queues)),
            lambda: facts.TransferAsked(agent_id=agent_id, to_agent=self._rng.choice(agents).agent_id),
            lambda: facts.ConsultAsked(agent_id=agent_id, to_agent=self._rng.choice(agents).agent_id),
            lambda: facts.CompleteAsked(agent_id=agent_id),
            lambda: facts.CancelAsked(agent_id=agent_id),
            lambda: facts.MergeAsked(agent_id=agent_id),
            lambda: facts.PickupAsked(agent_id=agent_id, from_agent=self._rng.choice(agents).agent_id),
            lambda: facts.PickupAsked(agent_id=agent_id, from_queue=self._rng.choice(queues)),
            lambda: facts.AgentBecameNotReady(agent_id=agent_id, reason="BREAK"),
            lambda: facts.AgentBecameUnreachable(agent_id=agent_id, reason="DESK_LOST"),
            lambda: facts.PhoneLost(agent_id=agent_id, reason="PHONE_UNREGISTERED"),
            lambda: facts.ReachChanged(agent_id=agent_id, places=self._rng.choice(_REACHES)),
            lambda: facts.AgentBecameReady(agent_id=agent_id),
            lambda: facts.AgentLoggedOut(agent_id=agent_id),
            lambda: facts.AgentLoggedIn(agent_id=agent_id, skills=agent.skills),
        )
        return self._rng.choice(whims)()
