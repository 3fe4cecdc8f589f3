"""Agents as a CSV file: one row each, every fault with its line.

Header `id,name,skills`; several skills are separated by blanks or semicolons, an empty name
is the id. Passwords are not in it: those who work at a desk get one with `trunkline agent set`.
"""

import csv
import re
from pathlib import Path
from typing import TextIO

from branch.admin.customer_csv import CsvFaultsError, not_utf8
from branch.people.login import AgentRecord
from node.words import text as _
from node.words import told
from router.id_rules import agent_fault, name_fault
from router.ids import AgentId, SiteId, Skill

COLUMNS = ("id", "name", "skills")


def read_agents(file: Path, site_id: SiteId) -> list[AgentRecord]:
    """Every row of the file.

    Raises:
        OSError: it cannot be read.
        CsvFaultsError: it has faults, all of them told.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            agents, faults = _read(lines, site_id)
    except UnicodeDecodeError as error:
        raise CsvFaultsError(file, [not_utf8(error)]) from None
    if faults:
        raise CsvFaultsError(file, faults)
    return agents


def _read(lines: TextIO, site_id: SiteId) -> tuple[list[AgentRecord], list[str]]:
    rows = csv.reader(lines, strict=True)
    agents: dict[str, AgentRecord] = {}
    faults: list[str] = []
    try:
        header = tuple(each.strip() for each in next(rows, []))
        if header != COLUMNS:
            return [], [_("line 1: the header has to be {header}", header=",".join(COLUMNS))]
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            problem = _fault(row, site_id, agents)
            if problem is not None:
                faults.append(_("line {line}: {problem}", line=rows.line_num, problem=problem))
            else:
                agent = _agent(row, site_id)
                agents[agent.agent_id] = agent
    except csv.Error as error:
        faults.append(_("line {line}: {problem}", line=rows.line_num, problem=error))
    return list(agents.values()), faults


def _fault(row: list[str], site_id: SiteId, known: dict[str, AgentRecord]) -> str | None:
    if len(row) != len(COLUMNS):
        return _("has {count} columns, not {wanted}", count=len(row), wanted=len(COLUMNS))
    name = row[0].strip()
    own = name.removeprefix(f"{site_id}/")
    if "/" in own:
        return _("{id!r} is no agent of {site}; write 1001 or {site}/1001", id=name, site=site_id)
    for fault in (agent_fault(own), *(name_fault(skill) for skill in _skills(row[2]))):
        if fault is not None:
            return told(fault)
    if _agent(row, site_id).agent_id in known:
        return _("agent {id} stands in the file already", id=name)
    return None


def _agent(row: list[str], site_id: SiteId) -> AgentRecord:
    number, name, skills = (cell.strip() for cell in row)
    return AgentRecord(
        agent_id=AgentId(f"{site_id}/{number.removeprefix(f'{site_id}/')}"),
        name=name or number,
        skills=frozenset(_skills(skills)),
    )


def _skills(cell: str) -> list[Skill]:
    return [Skill(skill) for skill in re.split(r"[;\s]+", cell) if skill]
