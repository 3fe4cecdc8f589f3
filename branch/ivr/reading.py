"""Reads an IVR flow's file, or says everything that is wrong with it at once."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from branch.ivr.flow_file import FlowFile
from branch.ivr.making import flow_of
from node.settings import Fault, SettingsError, load
from node.settings.lines import key_lines, line_of
from node.words import text as _
from router.flow import checks
from router.flow.nodes import Flow
from router.ids import QueueId
from router.problems import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRead:
    """A flow without a fault."""

    flow: Flow
    digest: str
    """Of the file's bytes."""


def read_flow(path: Path, queues: Collection[QueueId]) -> FlowRead:
    """The flow in `path`, for a site with these queues.

    Raises:
        SettingsError: the file cannot be read, or has faults: all of them, each with its place.
    """
    flow, faults = flow_of(load(FlowFile, path, {}))
    faults += checks.problems(flow, queues)
    if faults:
        raise SettingsError(path, _told(path, faults))
    return FlowRead(flow=flow, digest=digest_of(path))


def digest_of(path: Path) -> str:
    """Raises:
    OSError: the file cannot be read.
    """
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _told(path: Path, problems: list[Problem]) -> list[Fault]:
    """In the reader's words, with the file's lines, from its top."""
    lines = key_lines(path.read_text(encoding="utf-8"))
    faults = [
        Fault(
            place=each.place,
            problem=_(each.wording, **each.values),
            line=line_of(lines, tuple(each.place.split("."))),
        )
        for each in problems
    ]
    return sorted(faults, key=lambda fault: fault.line or 0)
