"""A desk as a screen: an agent's own, or the site's wallboard for who watches it."""

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from branch.customers.caller_card import CallerCard
from branch.terminal.desk import Desk
from branch.terminal.menu import Menu
from branch.terminal.moments import moment
from branch.terminal.note_entry import NoteEntry
from branch.terminal.seen import AgentSeen, CallInHand, ConsultationSeen, CustomerSeen, QueueSeen
from branch.terminal.state_names import (
    STYLES,
    agent_state_name,
    call_state_name,
    consultation_name,
    language_name,
    reason_name,
)
from node.words import text as _
from router.ledger import Role
from router.views import RecordingState
from sync.records.tables import PersonRole

ROW_LIMIT = 15
"""Rows of a wallboard's table; the rest is counted."""
CONTACT_LIMIT = 5


def screen(desk: Desk, local_ms: int) -> RenderableType:
    """All there is to see; `local_ms` is the desk's own clock."""
    parts: list[RenderableType] = [_header(desk, local_ms)]
    if desk.person.agent_id is not None:
        parts += [_call_panel(desk, local_ms), _queues(desk, local_ms)]
    else:
        parts += [_queues(desk, local_ms), _agents(desk, local_ms), _calls(desk, local_ms), _handoffs(desk)]
    if desk.menu is not None:
        parts.append(_menu(desk.menu))
    if desk.entry is not None:
        parts.append(_note_entry(desk.entry))
    if desk.message:
        parts.append(Text(desk.message, style="bold red"))
    parts.append(_keys(desk))
    return Group(*parts)


def _header(desk: Desk, local_ms: int) -> RenderableType:
    line = Text.assemble((desk.person.site_name, "bold"), "  ", desk.person.name)
    me = desk.me
    if me is not None:
        line.append("   ")
        line.append_text(_state(me))
        line.append(f"  {_duration(desk.seen.age_ms(me.since_ms, local_ms))}")
    if not desk.is_connected:
        line.append("   " + _("no connection to the branch; trying again"), style="bold red")
    return Panel(line, box=box.SQUARE)


def _call_panel(desk: Desk, local_ms: int) -> RenderableType:
    call = desk.call
    if call is None:
        return Panel(Text(_("no call"), style="dim"), title=_("Call"), title_align="left")
    return Panel(Group(*_call_lines(desk, call, local_ms)), title=_("Call"), title_align="left")


def _call_lines(desk: Desk, call: CallInHand, local_ms: int) -> Iterable[RenderableType]:
    about = desk.seen.calls.get(call.call_id) if call.call_id is not None else None
    line = Text(_("queue {queue}", queue=call.queue_id or "?"))
    if call.from_site is not None:
        line.append("   " + _("from site {site}", site=call.from_site), style="cyan")
    if about is not None:
        age = _duration(desk.seen.age_ms(about.queued_ms, local_ms))
        line.append("   " + _("since {duration}", duration=age))
    yield line
    if call.recording is not RecordingState.NONE:
        is_paused = call.recording is RecordingState.PAUSED
        yield Text(_("recording is paused") if is_paused else _("is recorded"), style="red")
    if call.consultation is not None:
        yield _consultation_line(desk, call.consultation)
    yield from _who_lines(call, desk.customer)


def _who_lines(call: CallInHand, customer: CustomerSeen | None) -> Iterable[RenderableType]:
    """The customer with the last contacts where this site has them, else what the caller's site knows."""
    caller = call.caller
    if caller is not None:
        yield from _caller_lines(caller)
    if customer is not None:
        yield from _customer_lines(customer)
    elif caller is not None and caller.name is not None:
        yield _name_line(caller.name, caller.customer_class, caller.region)
    elif call.customer_id is not None:
        yield Text(_("customer {customer}", customer=call.customer_id))
    else:
        yield Text(_("unknown caller"), style="dim")
    for note in caller.notes if caller is not None else ():
        yield Text.assemble((f"{moment(note.written_utc_us)}  {note.author}  ", "dim"), note.text)


def _caller_lines(caller: CallerCard) -> Iterable[RenderableType]:
    """From where it calls and how it came, wherever the agent sits."""
    line = Text(caller.number or _("withheld number"))
    if caller.language is not None:
        line.append(f"  {language_name(caller.language)}", style="cyan")
    yield line
    if caller.choices:
        steps = " › ".join(f"{each.node}: {each.choice}" for each in caller.choices)
        yield Text(_("came by {steps}", steps=steps), style="dim")


def _consultation_line(desk: Desk, consultation: ConsultationSeen) -> RenderableType:
    """The colleague whom the agent asked; to that one, only what it is there for."""
    state = consultation_name(consultation.state, consultation.reason)
    if consultation.agent_id == desk.person.agent_id:
        return Text(_("consulted by a colleague: {state}", state=state), style="magenta")
    agent = desk.seen.agents.get(consultation.agent_id)
    name = agent.name if agent is not None else consultation.agent_id
    return Text(_("consultation with {name}: {state}", name=name, state=state), style="magenta")


def _customer_lines(customer: CustomerSeen) -> Iterable[RenderableType]:
    yield _name_line(customer.name, customer.customer_class, customer.region)
    for each in customer.contacts[:CONTACT_LIMIT]:
        ended = each.disposition or _("live")
        yield Text(f"  {moment(each.arrived_utc_us)}  {each.queue_id or ''}  {ended}  {each.agent_id or ''}")


def _name_line(name: str, customer_class: str | None, region: str | None) -> RenderableType:
    line = Text(name, style="bold")
    if customer_class == "VIP":
        line.append("  VIP", style="bold yellow")
    if region:
        line.append(f"  {region}")
    return line


def _queues(desk: Desk, local_ms: int) -> RenderableType:
    table = _table(
        _("Queue"),
        _("Waiting"),
        _("Longest (s)"),
        _("Ready"),
        _("Staffed"),
        _("Today"),
        _("In target"),
        _("Messages"),
    )
    for each in sorted(desk.seen.queues.values(), key=lambda each: each.queue_id):
        since = each.head_since_ms
        head = "" if since is None else f"{desk.seen.age_ms(since, local_ms) / 1000:.0f}"
        level = "" if each.service_level is None else f"{each.service_level:.0%}"
        table.add_row(
            each.queue_id,
            str(each.calls_waiting),
            head,
            str(each.agents_idle),
            str(each.agents_staffed),
            _today(each),
            level,
            str(each.messages_unheard or ""),
            style="yellow" if each.calls_waiting else "",
        )
    return table


def _today(queue: QueueSeen) -> str:
    """Calls offered here; behind the arrow those that were sent on to another site."""
    sent_on = f" →{queue.redirected_today}" if queue.redirected_today else ""
    return f"{queue.offered_today}{sent_on}"


def _agents(desk: Desk, local_ms: int) -> RenderableType:
    table = _table(_("Agent"), _("Name"), _("State"), _("Since"), _("Skills"))
    agents = sorted(desk.seen.agents.values(), key=lambda each: each.agent_id)
    for each in agents[:ROW_LIMIT]:
        since = _duration(desk.seen.age_ms(each.since_ms, local_ms))
        table.add_row(each.agent_id, each.name, _state(each), since, " ".join(each.skills))
    return _with_rest(table, agents)


def _calls(desk: Desk, local_ms: int) -> RenderableType:
    table = _table(_("Call"), _("Queue"), _("State"), _("Since"), _("Agent"), _("Site"))
    calls = sorted(desk.seen.calls.values(), key=lambda each: each.queued_ms)
    for each in calls[:ROW_LIMIT]:
        since = _duration(desk.seen.age_ms(each.queued_ms, local_ms))
        agents = each.agent_id or " ".join(each.ringing_agents)
        state = call_state_name(each.state)
        table.add_row(each.call_id[-12:], each.queue_id, state, since, agents, each.served_by or "")
    return _with_rest(table, calls)


def _handoffs(desk: Desk) -> RenderableType:
    table = _table(_("Hand-off"), _("With"), _("State"), _("Queue"))
    handoffs = sorted(desk.seen.handoffs.values(), key=lambda each: each.handoff_id)
    for each in handoffs[:ROW_LIMIT]:
        way = _("out") if each.role is Role.ORIGIN else _("in")
        table.add_row(way, each.peer, each.state, each.queue_id or "")
    return _with_rest(table, handoffs)


def _menu(menu: Menu) -> RenderableType:
    lines = [Text(f"{number}  {each.label}") for number, each in enumerate(menu.visible, start=1)]
    if menu.typed:
        lines.append(Text(f"> {menu.typed}", style="dim"))
    lines.append(Text(_("number: choose   letters: search   Esc: back"), style="dim"))
    return Panel(Group(*lines), title=menu.title, title_align="left", border_style="yellow")


def _note_entry(entry: NoteEntry) -> RenderableType:
    lines = (Text(f"> {entry.typed}"), Text(_("Enter: keep   Esc: drop"), style="dim"))
    return Panel(Group(*lines), title=_("Note on the call"), title_align="left", border_style="yellow")


def _keys(desk: Desk) -> RenderableType:
    if desk.person.agent_id is None:
        if desk.person.role is PersonRole.SUPERVISOR:
            return Text(_("l listen  w whisper  b barge in  x leave the talk  q quit"), style="dim")
        return Text(_("q quit"), style="dim")
    consultation = desk.call.consultation if desk.call is not None else None
    if consultation is not None and consultation.is_live and consultation.agent_id != desk.person.agent_id:
        keys = _("t hand the caller over  m talk together  h caller/colleague  x colleague out  e hang up")
        return Text(keys, style="dim")
    return Text(
        _(
            "r ready  n not ready  a answer  h hold/resume  t transfer  c consult  p pick up  d record  "
            "v return visit  o note  e hang up  w wrap-up done  q quit"
        ),
        style="dim",
    )


def _state(agent: AgentSeen) -> Text:
    name = agent_state_name(agent.state)
    shown = name if agent.reason is None else f"{name} ({reason_name(agent.reason)})"
    return Text(shown, style=STYLES.get(agent.state, ""))


def _table(*titles: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=False)
    for title in titles:
        table.add_column(title, no_wrap=True)
    return table


def _with_rest(table: Table, rows: Sequence[object]) -> RenderableType:
    rest = len(rows) - ROW_LIMIT
    return table if rest <= 0 else Group(table, Text(_("and {count} more", count=rest), style="dim"))


def _duration(duration_ms: int) -> str:
    minutes, seconds = divmod(duration_ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
