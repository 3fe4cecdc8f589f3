"""A desk that only remembers what ears tell it."""

from collections.abc import Callable

from branch.desk.desk import CallerNumber, Live
from router.errors import RouterError
from router.facts import Fact


class HearingDesk:
    """Remembers what it is told; refuses with `refusal` where that is set."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.callers: list[CallerNumber | None] = []
        self.refusal: RouterError | None = None
        self.alive = Live(calls=frozenset(), legs=frozenset(), handoffs=frozenset(), lines=frozenset())

    def tell(
        self,
        fact: Fact,
        if_refused: Callable[[RouterError], None] | None = None,
        caller: CallerNumber | None = None,
    ) -> None:
        self.facts.append(fact)
        self.callers.append(caller)
        if self.refusal is not None and if_refused is not None:
            if_refused(self.refusal)

    def live(self) -> Live:
        return self.alive
