"""`trunkline desk`: a desk on this terminal, or one act of it for a script."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from branch.admin.options import AsJson, PasswordFile
from branch.terminal import note_commands, talk_commands, visit_commands
from node.words import text as _

if TYPE_CHECKING:
    from branch.terminal.one_shot import ActFor, WhoAndWhere


def register(root: typer.Typer) -> None:
    """Add the `desk` group."""
    group = typer.Typer(invoke_without_command=True)
    group.callback(
        help=_(
            "A desk on this terminal: take calls, or watch the site as a supervisor. "
            "For scripts: --json, or one of the commands."
        )
    )(_desk)
    group.command("ready", help=_("Calls may come."))(_ready)
    group.command("not-ready", help=_("No calls, after the present one."))(_not_ready)
    group.command("answer", help=_("Answer the call that rings."))(_answer)
    group.command("hang-up", help=_("Reject the call that rings, or end the one in hand."))(_hang_up)
    group.command("hold", help=_("Put the caller on hold."))(_hold)
    group.command("resume", help=_("Take the caller back."))(_resume)
    group.command("transfer", help=_("Hand the caller on, to a queue or an agent."))(_transfer)
    talk_commands.register(group)
    group.command("dial", help=_("Call a number; your own phone rings first."))(_dial)
    note_commands.register(group)
    visit_commands.register(group)
    group.command("forward", help=_("Be reached at another number; without one, at your own phone again."))(
        _forward
    )
    group.command("messages", help=_("List the messages of callers that nobody has heard."))(_messages)
    group.command("heard", help=_("Say that a message was heard."))(_heard)
    group.command("wrap-up-done", help=_("The notes of the last call are written."))(_wrapup_done)
    group.command("status", help=_("Print the desk as JSON."))(_status)
    group.command("log-out", help=_("Leave, after the present call."))(_log_out)
    root.add_typer(group, name="desk")


def _desk(
    context: typer.Context,
    name: Annotated[str, typer.Option("--name", help=_("Who you are: 1001, or a supervisor's name."))],
    site: Annotated[
        Path | None, typer.Option("--site", envvar="TRUNKLINE_SITE_FILE", help=_("The site's TOML file."))
    ] = None,
    address: Annotated[
        str | None, typer.Option("--address", help=_("host:port of the branch, elsewhere."))
    ] = None,
    trust: Annotated[
        str | None,
        typer.Option(
            "--trust",
            help=_("With --address: CA.pem, CA.pem:CERT.pem:KEY.pem with your certificate, or plaintext."),
        ),
    ] = None,
    at: Annotated[str | None, typer.Option("--at", help=_("With --address: the site's id."))] = None,
    password_file: PasswordFile = None,
    token_file: Annotated[
        Path | None, typer.Option("--token-file", help=_("Keep the log-in here between commands."))
    ] = None,
    as_json: AsJson = False,
) -> None:
    from branch.terminal import one_shot
    from branch.terminal.connecting import way_of

    who = one_shot.WhoAndWhere(
        way=way_of(site, address, at, trust), name=name, password_file=password_file, token_file=token_file
    )
    context.obj = who
    if context.invoked_subcommand is None:
        (one_shot.stream_json if as_json else one_shot.run_terminal)(who)


def _ready(context: typer.Context) -> None:
    from branch.terminal.acts import Ready

    _act(context, lambda _desk: Ready())


def _not_ready(
    context: typer.Context, reason: Annotated[str, typer.Argument(help=_("Why, as LUNCH."))] = "BREAK"
) -> None:
    from branch.terminal.acts import NotReady

    _act(context, lambda _desk: NotReady(reason=reason))


def _answer(
    context: typer.Context,
    wait: Annotated[float, typer.Option("--wait", min=0, help=_("Seconds to wait for a call."))] = 0.0,
) -> None:
    from branch.terminal.acts import Answer
    from branch.terminal.one_shot import call_of
    from router.agent import AgentState

    _act(context, lambda desk: Answer(leg_id=call_of(desk, AgentState.RINGING).leg_id), wait_s=wait)


def _hang_up(context: typer.Context) -> None:
    from branch.terminal.acts import HangUp
    from branch.terminal.one_shot import call_of
    from router.agent import WITH_A_CALL

    _act(context, lambda desk: HangUp(leg_id=call_of(desk, *WITH_A_CALL).leg_id))


def _hold(context: typer.Context) -> None:
    from branch.terminal.acts import Hold
    from branch.terminal.one_shot import call_of
    from router.agent import AgentState

    _act(context, lambda desk: Hold(leg_id=call_of(desk, AgentState.TALKING).leg_id))


def _resume(context: typer.Context) -> None:
    from branch.terminal.acts import Resume
    from branch.terminal.one_shot import call_of
    from router.agent import AgentState

    _act(context, lambda desk: Resume(leg_id=call_of(desk, AgentState.ON_HOLD).leg_id))


def _transfer(
    context: typer.Context,
    queue: Annotated[str | None, typer.Option("--queue", help=_("A queue of the site."))] = None,
    agent: Annotated[str | None, typer.Option("--agent", help=_("An agent of the site."))] = None,
) -> None:
    from branch.terminal.one_shot import transfer_act

    _act(context, lambda desk: transfer_act(desk, queue, agent))


def _dial(
    context: typer.Context, number: Annotated[str, typer.Argument(help=_("As one dials it here."))]
) -> None:
    from branch.terminal.acts import Dial

    _act(context, lambda _desk: Dial(number=number))


def _forward(
    context: typer.Context,
    number: Annotated[str | None, typer.Argument(help=_("As one dials it here."), show_default=False)] = None,
    after: Annotated[
        int | None,
        typer.Option("--after", min=1, max=120, help=_("Your own phone rings for so many seconds before.")),
    ] = None,
) -> None:
    from branch.terminal.acts import Reach
    from branch.terminal.one_shot import forward_places

    places = forward_places(number, after)
    _act(context, lambda _desk: Reach(places=places))


def _messages(
    context: typer.Context,
    with_heard: Annotated[bool, typer.Option("--all", help=_("Those that somebody has heard, too."))] = False,
    as_json: AsJson = False,
) -> None:
    from branch.terminal import messages

    messages.show(_who(context), with_heard=with_heard, as_json=as_json)


def _heard(
    context: typer.Context, call: Annotated[str, typer.Argument(help=_("The message's call."))]
) -> None:
    from branch.terminal import messages

    messages.mark_heard(_who(context), call)


def _wrapup_done(context: typer.Context) -> None:
    from branch.terminal.acts import WrapupDone

    _act(context, lambda _desk: WrapupDone())


def _status(context: typer.Context) -> None:
    from branch.terminal import one_shot

    one_shot.show_status(_who(context))


def _log_out(context: typer.Context) -> None:
    from branch.terminal import one_shot

    one_shot.log_out(_who(context))


def _act(context: typer.Context, act_for: "ActFor", *, wait_s: float = 0.0) -> None:
    from branch.terminal import one_shot

    one_shot.act_once(_who(context), act_for, wait_s=wait_s)


def _who(context: typer.Context) -> "WhoAndWhere":
    who: WhoAndWhere = context.obj
    return who
