"""`trunkline desk` for scripts: acts on talks of more than two."""

from typing import Annotated

import typer

from node.words import text as _
from router.agent import AgentState
from router.talk.recording_acts import RecordingAct
from router.talk.supervision import SupervisionMode

TALKING = (AgentState.TALKING, AgentState.ON_HOLD)


def register(desk: typer.Typer) -> None:
    """Add the commands to the `desk` group."""
    desk.command("consult", help=_("Hold the caller and ring a colleague."))(_consult)
    desk.command("complete", help=_("Leave the caller to the consulted colleague."))(_complete)
    desk.command("cancel", help=_("Take the caller back, without the colleague."))(_cancel)
    desk.command("merge", help=_("Talk with the caller and the colleague together."))(_merge)
    desk.command("pick-up", help=_("Take a call that rings a colleague, or waits in a queue."))(_pick_up)
    desk.command("record", help=_("Start, pause, resume or stop the recording of the talk."))(_record)
    desk.command("supervise", help=_("Listen to an agent's talk, whisper to the agent, or barge in."))(
        _supervise
    )
    desk.command("leave", help=_("Leave the talk that is supervised."))(_leave)


def _consult(
    context: typer.Context,
    agent: Annotated[str, typer.Option("--agent", help=_("An agent of the site."))],
) -> None:
    from branch.terminal.one_shot import act_once, agent_of_site, call_of
    from branch.terminal.talk_acts import Consult

    act_once(
        context.obj,
        lambda desk: Consult(leg_id=call_of(desk, *TALKING).leg_id, agent_id=agent_of_site(desk, agent)),
    )


def _complete(context: typer.Context) -> None:
    from branch.terminal.one_shot import act_once, call_of
    from branch.terminal.talk_acts import CompleteTransfer

    act_once(context.obj, lambda desk: CompleteTransfer(leg_id=call_of(desk, *TALKING).leg_id))


def _cancel(context: typer.Context) -> None:
    from branch.terminal.one_shot import act_once, call_of
    from branch.terminal.talk_acts import CancelConsultation

    act_once(context.obj, lambda desk: CancelConsultation(leg_id=call_of(desk, *TALKING).leg_id))


def _merge(context: typer.Context) -> None:
    from branch.terminal.one_shot import act_once, call_of
    from branch.terminal.talk_acts import Merge

    act_once(context.obj, lambda desk: Merge(leg_id=call_of(desk, *TALKING).leg_id))


def _pick_up(
    context: typer.Context,
    queue: Annotated[str | None, typer.Option("--queue", help=_("A queue of the site."))] = None,
    agent: Annotated[str | None, typer.Option("--agent", help=_("An agent of the site."))] = None,
) -> None:
    from branch.terminal.one_shot import act_once, pick_up_act

    act_once(context.obj, lambda desk: pick_up_act(desk, queue, agent))


def _record(
    context: typer.Context,
    act: Annotated[RecordingAct, typer.Argument(case_sensitive=False, help=_("What to do."))],
) -> None:
    from branch.terminal.one_shot import act_once, call_of
    from branch.terminal.talk_acts import Record

    act_once(context.obj, lambda desk: Record(leg_id=call_of(desk, *TALKING).leg_id, act=act))


def _supervise(
    context: typer.Context,
    agent: Annotated[str, typer.Option("--agent", help=_("An agent of the site."))],
    mode: Annotated[
        SupervisionMode, typer.Option("--mode", case_sensitive=False, help=_("In which way."))
    ] = SupervisionMode.LISTEN,
    phone: Annotated[
        str | None, typer.Option("--phone", help=_("The site's phone to ring; yours if you say none."))
    ] = None,
) -> None:
    from branch.terminal.one_shot import agent_of_site, supervise_once
    from branch.terminal.talk_acts import Supervise

    supervise_once(
        context.obj,
        lambda desk: Supervise(agent_id=agent_of_site(desk, agent), mode=mode, phone=phone),
    )


def _leave(context: typer.Context) -> None:
    from branch.terminal.one_shot import supervise_once
    from branch.terminal.talk_acts import EndSupervision

    supervise_once(context.obj, lambda _desk: EndSupervision())
