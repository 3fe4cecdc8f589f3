"""A call, its caller, its queue and its skills on the wire, as requests and replies alike carry them.

What is read raises InvalidFieldError where a field is absurd.
"""

from collections.abc import Collection
from functools import lru_cache

from trunkline.handoff.v1 import handoff_pb2 as pb

from branch.customers.caller_card import CallerCard
from branch.peers.card_wire import fill_card, read_card
from router.call import CallContext
from router.ids import FOREVER_MS, CallId, CustomerId, QueueId, Skill, Skills
from sync.link import validate

SKILL_LIMIT = 64
NAME_LIMIT_CHARS = 64

_NAMES_REMEMBERED = 1_024


class CallNames:
    """The fields of a call as a refusal names them, made once: a Reserve is read in microseconds."""

    def __init__(self, place: str) -> None:
        self.call_id = f"{place}.call_id"
        self.queue_id = f"{place}.queue_id"
        self.skills = f"{place}.skills"
        self.priority = f"{place}.priority"
        self.customer_id = f"{place}.customer_id"
        self.waited_ms = f"{place}.waited_ms"


def fill_call(message: pb.CallContext, call: CallContext, caller: CallerCard | None) -> None:
    message.call_id = call.call_id
    message.queue_id = call.queue_id
    message.skills.extend(sorted(call.skills))
    message.priority = call.priority
    if call.customer_id is not None:
        message.customer_id = call.customer_id
    message.waited_ms = call.waited_ms
    if caller is not None:
        fill_card(message.caller, caller)


def read_caller(place: str, call: pb.CallContext | pb.HandoffSeen) -> CallerCard | None:
    return read_card(f"{place}.caller", call.caller) if call.HasField("caller") else None


def read_call(names: CallNames, call: pb.CallContext) -> CallContext:
    customer_id = call.customer_id if call.HasField("customer_id") else None
    return CallContext(
        call_id=CallId(validate.uuid_text(names.call_id, call.call_id)),
        queue_id=read_queue(names.queue_id, call.queue_id),
        skills=read_skills(names.skills, call.skills),
        priority=validate.number(names.priority, call.priority, least=0, most=9),
        customer_id=None
        if customer_id is None
        else CustomerId(validate.text(names.customer_id, customer_id)),
        waited_ms=validate.number(names.waited_ms, call.waited_ms, least=0, most=FOREVER_MS),
    )


# Queues and skills are few and messages many: a name that was good once is not looked at again.


@lru_cache(maxsize=_NAMES_REMEMBERED)
def read_queue(field: str, queue_id: str) -> QueueId:
    return QueueId(validate.text(field, queue_id, most_chars=NAME_LIMIT_CHARS))


def read_skills(field: str, skills: Collection[str]) -> Skills:
    validate.at_most(field, skills, SKILL_LIMIT)
    return _known_skills(field, tuple(skills))


@lru_cache(maxsize=_NAMES_REMEMBERED)
def _known_skills(field: str, skills: tuple[str, ...]) -> Skills:
    return frozenset(Skill(validate.text(field, each, most_chars=NAME_LIMIT_CHARS)) for each in skills)
