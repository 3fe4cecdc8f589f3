"""The queues of one site: policy, history, and where hunting stands."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from router.acd.history import QueueHistory
from router.acd.policy import QueuePolicy
from router.errors import UnknownQueueError
from router.ids import QueueId


@dataclass(slots=True)
class Queue:
    policy: QueuePolicy
    history: QueueHistory = field(default_factory=QueueHistory)
    hunt_position: int = -1
    """Of the agent that hunting rang last."""


class Queues:
    def __init__(self, policies: Iterable[QueuePolicy]) -> None:
        self._queues = {policy.queue_id: Queue(policy) for policy in policies}

    def __iter__(self) -> Iterator[Queue]:
        return iter(self._queues.values())

    def get(self, queue_id: QueueId) -> Queue:
        """Raises:
        UnknownQueueError: not configured here.
        """
        queue = self._queues.get(queue_id)
        if queue is None:
            raise UnknownQueueError(queue_id)
        return queue

    def find(self, queue_id: QueueId) -> Queue | None:
        return self._queues.get(queue_id)

    def apply(self, policy: QueuePolicy) -> None:
        queue = self._queues.get(policy.queue_id)
        if queue is None:
            self._queues[policy.queue_id] = Queue(policy)
        else:
            queue.policy = policy


def settings_of(policy: QueuePolicy) -> dict[str, Any]:
    """The policy as the ledger keeps it: plain values, skills sorted."""
    settings = asdict(policy)
    settings["skills"] = sorted(policy.skills)
    settings["distribution"] = policy.distribution.value
    settings["last_resort"] = policy.last_resort.value
    settings["recording"] = policy.recording.value
    return settings
