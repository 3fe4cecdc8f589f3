"""Who was put into which talk, so that a talk whose owner is gone is left in order.

A PBX ends a bridge by putting its members out, which takes it a moment: whoever is added to
another bridge meanwhile is put out of that one instead, and hears nothing. So the members
are taken out first, one by one, and then the bridge has nobody to put out.
"""

from branch.telephony.driver.holdings import Held, talk_bridge
from branch.telephony.driver.unanswered import Unanswered
from branch.telephony.driver.vocabulary import Do


class Talks:
    def __init__(self, unanswered: Unanswered) -> None:
        self._unanswered = unanswered
        self._members: dict[str, dict[str, Held]] = {}

    def joined(self, held: Held, bridge: str) -> None:
        """It was asked for: the channel goes into this talk."""
        self.left(held)
        held.talk = bridge
        self._members.setdefault(bridge, {})[held.channel_id] = held

    def left(self, held: Held) -> None:
        """It was asked for, or the channel is gone: it is in no talk of ours."""
        if held.talk is not None:
            members = self._members[held.talk]
            del members[held.channel_id]
            if not members:
                del self._members[held.talk]
            held.talk = None

    def end(self, owner: Held) -> None:
        """Whoever served is gone."""
        bridge = talk_bridge(owner.channel_id)
        for member in list(self._members.get(bridge, {}).values()):
            self.left(member)
            self._unanswered.ask(Do.REMOVE, member.channel_id, bridge=bridge)
        self._unanswered.ask(Do.DESTROY_BRIDGE, bridge=bridge)
