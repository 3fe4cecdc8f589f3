"""`trunkline agent add|import|list|set|reach|remove` at the command line."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from branch.admin.options import AsJson, PasswordFile, SiteFile
from node.words import text as _

Role = Literal["agent", "supervisor", "admin"]


def register(root: typer.Typer) -> None:
    """Add the `agent` group."""
    group = typer.Typer(no_args_is_help=True, help=_("The people of a site: agents, supervisors and admins."))
    group.command("add", help=_("Add a person; asks for a password."))(_add)
    group.command("import", help=_("Add or change many agents, from a CSV file."))(_import)
    group.command("list", help=_("List the people of the site."))(_list)
    group.command("set", help=_("Change a person's name, skills, role or password."))(_set)
    group.command("reach", help=_("Say, or show, where an agent is rung: its phone, or numbers outside."))(
        _reach
    )
    group.command("remove", help=_("Remove a person; what they did stays in the records."))(_remove)
    root.add_typer(group, name="agent")


_Person = Annotated[
    str, typer.Argument(help=_("An agent's id, as 1001, or another person's name."), metavar="ID")
]
_Name = Annotated[str | None, typer.Option("--name", help=_("The name for people."))]
_Skill = Annotated[list[str] | None, typer.Option("--skill", help=_("What the agent can do; repeatable."))]


def _add(
    person: _Person,
    site: SiteFile,
    name: _Name = None,
    skill: _Skill = None,
    role: Annotated[Role, typer.Option("--role", help=_("What the person may do."))] = "agent",
    password_file: PasswordFile = None,
    phone_only: Annotated[
        bool, typer.Option("--phone-only", help=_("No password: works with the phone's keys, at no desk."))
    ] = False,
) -> None:
    from branch.admin import agents

    wanted = agents.NewPerson(
        name=name, skills=skill or [], role=role, password_file=password_file, is_phone_only=phone_only
    )
    agents.add(site, person, wanted)


def _import(
    file: Annotated[Path, typer.Argument(help=_("A CSV file with the columns id,name,skills."))],
    site: SiteFile,
) -> None:
    from branch.admin import agents

    agents.take_in(site, file)


def _list(site: SiteFile, as_json: AsJson = False) -> None:
    from branch.admin import agents

    agents.show(site, as_json=as_json)


def _set(
    person: _Person,
    site: SiteFile,
    name: _Name = None,
    skill: _Skill = None,
    no_skills: Annotated[bool, typer.Option("--no-skills", help=_("Take every skill away."))] = False,
    role: Annotated[Role | None, typer.Option("--role", help=_("What the person may do."))] = None,
    password: Annotated[bool, typer.Option("--password", help=_("Ask for a new password."))] = False,
    password_file: PasswordFile = None,
) -> None:
    from branch.admin import agents

    change = agents.Change(
        name=name,
        skills=[] if no_skills else skill,
        role=role,
        has_new_password=password or password_file is not None,
        password_file=password_file,
    )
    agents.change(site, person, change)


def _reach(
    person: _Person,
    site: SiteFile,
    at: Annotated[
        list[str] | None,
        typer.Option(
            "--at",
            help=_("phone, or a number, with :SECONDS of ringing; repeatable, one after the other."),
            metavar="PLACE",
        ),
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help=_("At its own phone again."))] = False,
    as_json: AsJson = False,
) -> None:
    from branch.admin import agent_reach

    if at or clear:
        agent_reach.set_reach(site, person, at or [])
    else:
        agent_reach.show_reach(site, person, as_json=as_json)


def _remove(person: _Person, site: SiteFile) -> None:
    from branch.admin import agents

    agents.remove(site, person)
