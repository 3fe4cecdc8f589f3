"""A log-in kept in a file between the commands of a script; only its owner can read it."""

import json
import os
from dataclasses import asdict
from pathlib import Path

from branch.terminal.seen import Person
from router.ids import AgentId, SiteId
from sync.records.tables import PersonRole


def keep(file: Path, person: Person) -> None:
    """Raises:
    OSError: the file cannot be written.
    """
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as target:
        json.dump(asdict(person), target, ensure_ascii=False)


def kept(file: Path) -> Person | None:
    """The log-in, or None where none that can be read is kept.

    Raises:
        OSError: the file is there and cannot be read.
    """
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return Person(
            person_id=found["person_id"],
            name=found["name"],
            role=PersonRole(found["role"]),
            agent_id=AgentId(found["agent_id"]) if found["agent_id"] is not None else None,
            site_id=SiteId(found["site_id"]),
            site_name=found["site_name"],
            not_ready_reasons=tuple(found["not_ready_reasons"]),
            token=found["token"],
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def forget(file: Path) -> None:
    """Forget the log-in; one that is not there is forgotten."""
    file.unlink(missing_ok=True)
