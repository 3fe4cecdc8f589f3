"""`trunkline desk note` for scripts."""

from typing import Annotated

import typer

from node.words import text as _


def register(desk: typer.Typer) -> None:
    """Add the command to the `desk` group."""
    desk.command("note", help=_("Write a note on a call that you have talked on, live or over."))(_note)


def _note(
    context: typer.Context,
    call: Annotated[str, typer.Argument(help=_("The call's id."), metavar="CALL_ID")],
    text: Annotated[
        str, typer.Argument(help=_("One line, at most 500 characters; - reads it from the standard input."))
    ],
) -> None:
    import sys

    from branch.terminal.client import DeskClient
    from branch.terminal.desk import Desk
    from branch.terminal.one_shot import with_client
    from router.ids import CallId

    written = sys.stdin.readline().strip() if text == "-" else text

    async def work(client: DeskClient, _desk: Desk) -> None:
        await client.write_note(CallId(call), written)

    with_client(context.obj, work)
