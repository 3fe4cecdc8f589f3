"""`trunkline visit list|add|remove` at the command line."""

from typing import Annotated

import typer

from branch.admin.options import AsJson, SiteFile
from node.words import text as _


def register(root: typer.Typer) -> None:
    """Add the `visit` group."""
    group = typer.Typer(
        no_args_is_help=True,
        help=_("Return visits: answered callers who are called again; `trunkline desk` works them off."),
    )
    group.command("list", help=_("List the return visits."))(_list)
    group.command("add", help=_("Put an answered call's customer on the list."))(_add)
    group.command("remove", help=_("Take a customer off the list; the record stays."))(_remove)
    root.add_typer(group, name="visit")


_Call = Annotated[str, typer.Argument(help=_("The visited call's id."), metavar="CALL_ID")]


def _list(
    site: SiteFile,
    whole: Annotated[bool, typer.Option("--all", help=_("Those that are done, too."))] = False,
    as_json: AsJson = False,
) -> None:
    from branch.admin import visits

    visits.show(site, with_done=whole, as_json=as_json)


def _add(
    call: _Call,
    site: SiteFile,
    due: Annotated[
        str | None, typer.Option("--due", help=_("From which day on, as 2026-03-02; today if you say none."))
    ] = None,
) -> None:
    from branch.admin import visits

    visits.add(site, call, due)


def _remove(call: _Call, site: SiteFile) -> None:
    from branch.admin import visits

    visits.remove(site, call)
