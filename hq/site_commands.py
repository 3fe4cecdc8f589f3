"""`trunkline hq site add|list`: the branches of HQ's file."""

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from node.terminal import output, print_json, print_table
from node.words import text as _


def register(group: typer.Typer) -> None:
    """Add the `site` group to `hq`."""
    sites = typer.Typer(no_args_is_help=True, help=_("The branches whose records HQ collects."))
    sites.command("add", help=_("Add a branch to HQ's file; a running HQ takes it in by itself."))(_add)
    sites.command("list", help=_("List the branches of HQ's file."))(_list)
    group.add_typer(sites, name="site")


_File = Annotated[Path, typer.Argument(help=_("HQ's file (TOML)."), show_default=False)]


def _add(
    file: _File,
    site: Annotated[str, typer.Argument(help=_("The site's id."), metavar="SITE")],
    address: Annotated[str, typer.Option("--address", help=_("host:port where its node listens."))],
    time_zone: Annotated[str, typer.Option("--time-zone", help=_("As its own file says, as Asia/Shanghai."))],
    parent: Annotated[str | None, typer.Option("--parent", help=_("The site above it in the tree."))] = None,
) -> None:
    import tomli_w

    from hq.settings import HqSettings
    from node.ids import refuse
    from node.settings import SettingsError, load
    from router.id_rules import site_fault

    refuse(site_fault(site))
    load(HqSettings, file, os.environ)
    entry = {"id": site, "address": address, "time_zone": time_zone}
    if parent is not None:
        entry["parent"] = parent
    # Beside the file: its relative paths have to hold, and only a good file takes its place.
    draft = file.with_name(f".{file.name}.draft")
    draft.touch(mode=0o600)  # No more readers than the file has, from the first byte.
    shutil.copy(file, draft)
    try:
        with draft.open("a", encoding="utf-8") as text:
            text.write(f"\n[[site]]\n{tomli_w.dumps(entry)}")
        load(HqSettings, draft, os.environ)
        draft.replace(file)
    except SettingsError as error:
        # Who looks for the draft, or for its last lines in the file, finds neither.
        raise SettingsError(file, [replace(fault, line=None) for fault in error.faults]) from None
    finally:
        draft.unlink(missing_ok=True)
    output().print(_("{site} added; a running HQ takes it in by itself", site=site), markup=False)


def _list(
    file: _File, as_json: Annotated[bool, typer.Option("--json", help=_("Print JSON."))] = False
) -> None:
    from hq.settings import HqSettings
    from node.settings import load

    sites = load(HqSettings, file, os.environ).site
    if as_json:
        print_json([each.model_dump() for each in sites])
        return
    print_table(
        [_("site"), _("address"), _("time zone"), _("parent")],
        [(each.id, each.address, each.time_zone, each.parent or "") for each in sites],
    )
