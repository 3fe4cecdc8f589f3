"""`trunkline queue add|list|set|remove` at the command line."""

from typing import Annotated

import typer

from branch.admin.options import AsJson, SiteFile
from node.words import text as _


def register(root: typer.Typer) -> None:
    """Add the `queue` group."""
    group = typer.Typer(no_args_is_help=True, help=_("The queues of a site and how they treat callers."))
    group.command("add", help=_("Add a queue; at once when the branch runs."))(_add)
    group.command("list", help=_("List the queues in force."))(_list)
    group.command("set", help=_("Treat a queue differently; at once when the branch runs."))(_set)
    group.command("remove", help=_("Take a queue out of force; the branch must not run."))(_remove)
    root.add_typer(group, name="queue")


_Queue = Annotated[str, typer.Argument(help=_("The queue's id."), metavar="ID")]
_Settings = Annotated[
    list[str] | None,
    typer.Argument(
        help=_("What is different, by the keys of the file: ring_limit_ms=20000 skills=PS,NW"),
        metavar="KEY=VALUE",
    ),
]
_Offline = Annotated[
    bool, typer.Option("--offline", help=_("The branch does not run: change the database without asking it."))
]


def _add(queue: _Queue, site: SiteFile, settings: _Settings = None, offline: _Offline = False) -> None:
    from branch.admin import queues

    queues.add(site, queue, settings or [], is_offline=offline)


def _list(site: SiteFile, as_json: AsJson = False) -> None:
    from branch.admin import queues

    queues.show(site, as_json=as_json)


def _set(queue: _Queue, site: SiteFile, settings: _Settings = None, offline: _Offline = False) -> None:
    from branch.admin import queues

    queues.change(site, queue, settings or [], is_offline=offline)


def _remove(queue: _Queue, site: SiteFile, offline: _Offline = False) -> None:
    from branch.admin import queues

    queues.remove(site, queue, is_offline=offline)
