"""The flow that a flow's file makes."""

from collections.abc import Callable, Mapping
from typing import Any

from branch.ivr.flow_file import (
    CallbackSection,
    CustomerClassSection,
    CustomerNumberSection,
    FlowFile,
    HangUpSection,
    HoursNodeSection,
    MenuSection,
    MessageSection,
    QueueNodeSection,
    VoicemailSection,
)
from node.settings import Section
from router.call import Disposition
from router.flow.nodes import (
    AskNumber,
    ByClass,
    ByHours,
    Choice,
    Flow,
    HangUp,
    Menu,
    Message,
    Node,
    ToCallback,
    ToQueue,
    ToVoicemail,
)
from router.flow.opening_hours import OpeningHours
from router.ids import NodeName, QueueId, Skill
from router.problems import Problem, marked

_NEVER = OpeningHours(week=((),) * 7)


def flow_of(file: FlowFile) -> tuple[Flow, list[Problem]]:
    """The flow, and which of its nodes go by hours that the file does not have."""
    hours = {name: each.opening_hours() for name, each in file.hours.items()}
    nodes = {NodeName(name): _node(file, each, hours) for name, each in file.node.items()}
    flow = Flow(
        start=NodeName(file.start), default=NodeName(file.default), nodes=nodes, language=file.language
    )
    unknown = [
        Problem(
            place=f"node.{name}.hours",
            wording=marked("there are no hours {hours!r}"),
            values={"hours": each.hours},
        )
        for name, each in file.node.items()
        if isinstance(each, HoursNodeSection) and each.hours not in hours
    ]
    return flow, unknown


def _node(file: FlowFile, section: Section, hours: Mapping[str, OpeningHours]) -> Node:
    if isinstance(section, HoursNodeSection):
        return _by_hours(section, hours)
    if isinstance(section, MenuSection):
        return _menu(section, NodeName(section.otherwise or file.default))
    return _MADE[type(section)](section)


def _by_hours(section: HoursNodeSection, hours: Mapping[str, OpeningHours]) -> ByHours:
    return ByHours(
        hours=hours.get(section.hours, _NEVER),
        open=NodeName(section.open),
        closed=NodeName(section.closed),
        holiday=None if section.holiday is None else NodeName(section.holiday),
    )


def _menu(section: MenuSection, otherwise: NodeName) -> Menu:
    choices = {
        key: Choice(to=NodeName(each.to), language=each.language) for key, each in section.choices.items()
    }
    return Menu(
        prompts=section.prompts,
        choices=choices,
        otherwise=otherwise,
        wait_ms=section.wait_ms,
        try_limit=section.tries,
        invalid=section.invalid,
    )


def _ask_number(section: CustomerNumberSection) -> AskNumber:
    return AskNumber(
        prompts=section.prompts,
        found=NodeName(section.found),
        not_found=NodeName(section.not_found),
        least_digits=section.least_digits,
        most_digits=section.most_digits,
        wait_ms=section.wait_ms,
        try_limit=section.tries,
        invalid=section.invalid,
    )


def _by_class(section: CustomerClassSection) -> ByClass:
    classes = {str(name): NodeName(to) for name, to in section.classes.items()}
    return ByClass(classes=classes, otherwise=NodeName(section.otherwise))


def _to_queue(section: QueueNodeSection) -> ToQueue:
    skills = frozenset(Skill(each) for each in section.skills)
    return ToQueue(queue_id=_queue(section.queue), priority=section.priority, skills=skills)


def _queue(name: str | None) -> QueueId | None:
    return None if name is None else QueueId(name)


_MADE: Mapping[type[Section], Callable[[Any], Node]] = {
    MessageSection: lambda section: Message(prompts=section.prompts, to=NodeName(section.to)),
    CustomerNumberSection: _ask_number,
    CustomerClassSection: _by_class,
    QueueNodeSection: _to_queue,
    VoicemailSection: lambda section: ToVoicemail(queue_id=_queue(section.queue)),
    CallbackSection: lambda section: ToCallback(queue_id=_queue(section.queue)),
    HangUpSection: lambda section: HangUp(disposition=Disposition(section.disposition)),
}
