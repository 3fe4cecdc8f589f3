"""`trunkline customer add|list|set|remove|import|export` at the command line."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from branch.admin.options import AsJson, SiteFile
from node.words import text as _

CustomerKind = Literal["standard", "vip"]


def register(root: typer.Typer) -> None:
    """Add the `customer` group."""
    group = typer.Typer(no_args_is_help=True, help=_("The customers that a site knows by their numbers."))
    group.command("add", help=_("Add a customer."))(_add)
    group.command("list", help=_("List customers."))(_list)
    group.command("set", help=_("Change a customer."))(_set)
    group.command("remove", help=_("Forget a customer, its numbers and the notes about it; its calls stay."))(
        _remove
    )
    group.command("import", help=_("Read customers from a CSV file; all of them, or none."))(_import)
    group.command("export", help=_("Write all customers to a CSV file."))(_export)
    root.add_typer(group, name="customer")


_Id = Annotated[str, typer.Argument(help=_("The customer's id at this site."), metavar="ID")]
_Kind = Annotated[
    CustomerKind | None,
    typer.Option("--class", help=_("Agents see it; an IVR's customer_class node can serve VIPs first.")),
]
_Region = Annotated[str | None, typer.Option("--region", help=_("Where the customer belongs."))]
_Number = Annotated[list[str] | None, typer.Option("--number", help=_("A number it calls from; repeatable."))]
_Country = Annotated[
    str | None,
    typer.Option("--country", help=_("Where numbers without a country code are from, as CN.")),
]


def _add(
    customer_id: _Id,
    site: SiteFile,
    name: Annotated[str, typer.Option("--name", help=_("The customer's name."))],
    kind: _Kind = "standard",
    region: _Region = None,
    number: _Number = None,
    country: _Country = None,
) -> None:
    from branch.admin import customers

    wanted = customers.Wishes(name=name, kind=kind, region=region, numbers=number or [], country=country)
    customers.add(site, customer_id, wanted)


def _list(
    site: SiteFile,
    search: Annotated[str | None, typer.Option("--search", help=_("Part of an id, name or number."))] = None,
    as_json: AsJson = False,
) -> None:
    from branch.admin import customers

    customers.show(site, search, as_json=as_json)


def _set(
    customer_id: _Id,
    site: SiteFile,
    name: Annotated[str | None, typer.Option("--name", help=_("The customer's name."))] = None,
    kind: _Kind = None,
    region: _Region = None,
    number: _Number = None,
    country: _Country = None,
) -> None:
    from branch.admin import customers

    wanted = customers.Wishes(name=name, kind=kind, region=region, numbers=number, country=country)
    customers.change(site, customer_id, wanted)


def _remove(customer_id: _Id, site: SiteFile) -> None:
    from branch.admin import customers

    customers.remove(site, customer_id)


def _import(
    file: Annotated[Path, typer.Argument(help=_("The CSV file."), metavar="FILE")],
    site: SiteFile,
    country: _Country = None,
) -> None:
    from branch.admin import customers

    customers.take_in(site, file, country)


def _export(
    file: Annotated[Path, typer.Argument(help=_("The CSV file to write."), metavar="FILE")], site: SiteFile
) -> None:
    from branch.admin import customers

    customers.write_out(site, file)
