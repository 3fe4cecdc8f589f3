"""The people of a site: those who take calls, those who watch, those who set it up."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from branch.admin.agent_csv import read_agents
from branch.admin.asking import new_password
from branch.admin.site_records import SiteRecords, open_site
from branch.people import passwords
from branch.people.login import AgentRecord, Credential
from node.ids import agent_id, refuse
from node.terminal import output, print_json, print_table
from node.troubles import TroubleError
from node.words import plural
from node.words import text as _
from router.id_rules import name_fault
from router.ids import AgentId, Skill
from sync.records.tables import PersonRole


class PersonTroubleError(TroubleError):
    """The person is there already, is not there, or cannot be what was asked."""

    reason = "PERSON_TROUBLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPerson:
    """Who is added. `password_file` None: the terminal is asked."""

    role: str
    name: str | None = None
    skills: Sequence[str] = ()
    password_file: Path | None = None
    is_phone_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What becomes different; None stays as it is."""

    name: str | None = None
    skills: Sequence[str] | None = None
    role: str | None = None
    has_new_password: bool = False
    password_file: Path | None = None


def add(file: Path, person: str, wanted: NewPerson) -> None:
    """Add somebody.

    Raises:
        PersonTroubleError: somebody has this id, or the wishes contradict each other.
        BadIdError: it can be no id.
        WeakPasswordError, NoPasswordError: nothing was changed.
    """
    role = PersonRole(wanted.role.upper())
    if role is not PersonRole.AGENT and (wanted.skills or wanted.is_phone_only or wanted.name):
        raise PersonTroubleError(_("only agents have names, skills and phones"))
    with open_site(file) as records:
        person_id = _new_id(records, person, role)
        _check_skills(wanted.skills)
        if _is_known(records, person_id):
            raise PersonTroubleError(_("{person} is there already; use `set`", person=person_id))
        secret = None
        if not wanted.is_phone_only:
            secret = passwords.hashed(new_password(person_id, wanted.password_file))
        if role is PersonRole.AGENT:
            _put_agent(records, person_id, wanted.name or person, wanted.skills)
        if secret is not None:
            _put_credential(records, person_id, role, secret)
    _say(_("{person} added", person=person_id))


def take_in(file: Path, csv_file: Path) -> None:
    """Add the agents of a CSV file, or change those that are there; nothing when it has a fault.

    Raises:
        CsvFaultsError: with every fault and its line.
        OSError: the file cannot be read.
    """
    with open_site(file) as records:
        found = read_agents(csv_file, records.site_id)
        records.people.set_agents(found)
    _say(plural("{count} agent taken in", "{count} agents taken in", len(found)))


def show(file: Path, *, as_json: bool) -> None:
    """Print everybody."""
    with open_site(file) as records:
        agents = {str(each.agent_id): each for each in records.people.agents()}
        roles = {each.person_id: each.role for each in records.people.credentials()}
    people = [_row(each, agents.get(each), roles.get(each)) for each in sorted(agents.keys() | roles.keys())]
    if as_json:
        print_json(people)
        return
    cells = [
        (
            each["id"],
            each["name"],
            each["role"],
            ", ".join(each["skills"]),
            _("yes") if each["may_log_in"] else _("no"),
        )
        for each in people
    ]
    print_table([_("Id"), _("Name"), _("Role"), _("Skills"), _("Password")], cells)


def change(file: Path, person: str, wanted: Change) -> None:
    """Change somebody.

    Raises:
        PersonTroubleError: nobody has this id, or an agent was to become something else.
        WeakPasswordError, NoPasswordError: nothing was changed.
    """
    with open_site(file) as records:
        person_id = _found(records, person)
        _check_skills(wanted.skills or ())
        agent = records.people.agent(AgentId(person_id))
        credential = records.people.credential(person_id)
        role = PersonRole(wanted.role.upper()) if wanted.role else None
        _check_change(person_id, wanted, agent, role)
        secret = credential.secret_hash if credential else None
        if wanted.has_new_password:
            secret = passwords.hashed(new_password(person_id, wanted.password_file))
        if agent is not None and (wanted.name is not None or wanted.skills is not None):
            skills = sorted(agent.skills) if wanted.skills is None else wanted.skills
            _put_agent(records, person_id, wanted.name or agent.name, skills)
        if secret is not None:
            _put_credential(
                records, person_id, role or (credential.role if credential else PersonRole.AGENT), secret
            )
    _say(_("{person} changed; skills count from the next log-in", person=person_id))


def remove(file: Path, person: str) -> None:
    """Remove somebody; who is at a desk is logged out within a minute.

    Raises:
        PersonTroubleError: nobody has this id.
    """
    with open_site(file) as records:
        person_id = _found(records, person)
        if not records.people.remove_agent(AgentId(person_id)):
            records.people.remove_credential(person_id)
    _say(_("{person} removed", person=person_id))


# --- inside ---------------------------------------------------------------------------------


def _new_id(records: SiteRecords, person: str, role: PersonRole) -> str:
    """Raises:
    BadIdError: nobody can be called that.
    """
    if role is PersonRole.AGENT:
        return agent_id(records.site_id, person)
    refuse(name_fault(person))
    return person


def _check_skills(skills: Sequence[str]) -> None:
    """Raises:
    BadIdError: one of them can be no skill.
    """
    for skill in skills:
        refuse(name_fault(skill))


def _is_known(records: SiteRecords, person_id: str) -> bool:
    people = records.people
    return people.credential(person_id) is not None or people.agent(AgentId(person_id)) is not None


def _found(records: SiteRecords, person: str) -> str:
    """Raises:
    PersonTroubleError: nobody is called that here.
    """
    for person_id in (f"{records.site_id}/{person}", person):
        if _is_known(records, person_id):
            return person_id
    raise PersonTroubleError(_("{person} is not known at this site", person=person))


def _check_change(person_id: str, wanted: Change, agent: AgentRecord | None, role: PersonRole | None) -> None:
    if role is not None and (role is PersonRole.AGENT) != (agent is not None):
        problem = _("an agent stays an agent; remove {person} and add it anew", person=person_id)
        raise PersonTroubleError(problem)
    if agent is None and (wanted.name is not None or wanted.skills is not None):
        raise PersonTroubleError(_("only agents have names, skills and phones"))


def _put_agent(records: SiteRecords, person_id: str, name: str, skills: Sequence[str]) -> None:
    known = frozenset(Skill(each) for each in skills)
    records.people.set_agent(AgentRecord(agent_id=AgentId(person_id), name=name, skills=known))


def _put_credential(records: SiteRecords, person_id: str, role: PersonRole, secret_hash: str) -> None:
    records.people.set_credential(Credential(person_id=person_id, role=role, secret_hash=secret_hash))


def _row(person_id: str, agent: AgentRecord | None, role: PersonRole | None) -> dict[str, Any]:
    return {
        "id": person_id,
        "name": agent.name if agent else person_id,
        "role": str(role or PersonRole.AGENT),
        "skills": sorted(agent.skills) if agent else [],
        "may_log_in": role is not None,
    }


def _say(message: str) -> None:
    output().print(message, markup=False)
