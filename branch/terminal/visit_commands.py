"""`trunkline desk` for scripts: the list of return visits."""

from typing import Annotated

import typer

from branch.admin.options import AsJson
from node.words import text as _


def register(desk: typer.Typer) -> None:
    """Add the commands to the `desk` group."""
    desk.command("visits", help=_("Show the return visits that are due, in the order of their turn."))(
        _visits
    )
    desk.command("next-visit", help=_("Show the return visit whose turn it is, and keep it for you."))(_next)
    desk.command("visit", help=_("Call the customer of a return visit; your own phone rings first."))(_visit)
    desk.command("skip-visit", help=_("Put a return visit off, or take it off the list, and say why."))(_skip)


def _visits(context: typer.Context, as_json: AsJson = False) -> None:
    from branch.terminal import visits

    visits.show_list(context.obj, as_json=as_json)


def _next(context: typer.Context, as_json: AsJson = False) -> None:
    from branch.terminal import visits

    visits.show_next(context.obj, as_json=as_json)


def _visit(
    context: typer.Context,
    call: Annotated[str, typer.Argument(help=_("The visited call's id."), metavar="CALL_ID")],
) -> None:
    from branch.terminal import visits

    visits.dial(context.obj, call)


def _skip(
    context: typer.Context,
    call: Annotated[str, typer.Argument(help=_("The visited call's id."), metavar="CALL_ID")],
    reason: Annotated[str, typer.Argument(help=_("One line, at most 500 characters, kept as a note."))],
    for_good: Annotated[
        bool, typer.Option("--for-good", help=_("Take it off the list; else it rests and comes again."))
    ] = False,
) -> None:
    from branch.terminal import visits

    visits.skip(context.obj, call, reason, is_for_good=for_good)
