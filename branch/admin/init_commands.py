"""`trunkline init`: a new site's folder, ready to run and to join its cluster."""

from pathlib import Path
from typing import Annotated

import typer

from branch.admin.options import PasswordFile
from node.words import text as _


def register(root: typer.Typer) -> None:
    """Add `init`."""
    root.command(
        "init",
        help=_(
            "Make a new site: its file, keys, database, first admin and simulated PBX. "
            "It finds the other sites, and they find it, by etcd."
        ),
    )(_init)


def _init(  # noqa: PLR0913 - one option each
    folder: Annotated[Path, typer.Argument(help=_("The site's new folder."), metavar="DIR", file_okay=False)],
    *,
    site: Annotated[
        str, typer.Option("--site", help=_("The site's id: lower-case letters, digits, hyphens."))
    ],
    address: Annotated[
        str, typer.Option("--address", help=_("host:port where other sites and HQ reach its node."))
    ],
    ca: Annotated[
        Path | None,
        typer.Option(
            "--ca",
            help=_("The CA's folder (keys are made), or its ca.pem alone (you are told how)."),
            metavar="DIR|FILE",
        ),
    ] = None,
    cluster: Annotated[
        str | None, typer.Option("--cluster", help=_("The cluster the CA has to be of."))
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help=_("The site's name for people."))] = None,
    time_zone: Annotated[
        str | None, typer.Option("--time-zone", help=_("As Asia/Shanghai; else the machine's."))
    ] = None,
    like: Annotated[
        Path | None,
        typer.Option(
            "--like", help=_("Another site's file: queues, etcd, clock and rules are taken from it.")
        ),
    ] = None,
    etcd: Annotated[
        list[str] | None, typer.Option("--etcd", help=_("host:port of an etcd member; repeatable."))
    ] = None,
    queue: Annotated[
        list[str] | None, typer.Option("--queue", help=_("A queue, as support or support:PS,NW; repeatable."))
    ] = None,
    peer: Annotated[
        list[str] | None,
        typer.Option(
            "--peer",
            help=_("A site to be asked without etcd too, as urumqi=host:port,host:port (node, trunk)."),
        ),
    ] = None,
    trunk: Annotated[
        str | None,
        typer.Option(
            "--trunk", help=_("host:port that other sites' PBXes dial; else the fourth port after --address.")
        ),
    ] = None,
    phone: Annotated[
        list[str] | None,
        typer.Option("--phone", help=_("An agent with a phone at the simulated PBX; repeatable.")),
    ] = None,
    admin: Annotated[str, typer.Option("--admin", help=_("The first admin's name."))] = "admin",
    password_file: PasswordFile = None,
    hq: Annotated[
        str | None, typer.Option("--hq", help=_("HQ's file, for the command to run there."))
    ] = None,
) -> None:
    from branch.admin import new_site

    wishes = new_site.Wishes(
        folder=folder,
        site_id=site,
        address=address,
        ca=ca,
        cluster=cluster,
        name=name,
        time_zone=time_zone,
        like=like,
        etcd=etcd or [],
        queues=queue or [],
        peers=peer or [],
        trunk=trunk,
        phones=phone or [],
        admin=admin,
        password_file=password_file,
        hq_file=hq,
    )
    new_site.make(wishes)
