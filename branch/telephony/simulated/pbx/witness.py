"""What the PBX saw of its own callers: an account that no branch has written.

A line a step goes to the journal at once, so that a killed PBX has still told the truth;
the counts are the sum of all lines, those of earlier runs included.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any


class Step(StrEnum):
    """What can be seen of a caller from the PBX's side."""

    ARRIVED = "arrived"
    TAKEN = "taken"
    """The branch has answered the caller: from here on its ledger must know the call."""
    REDIRECTED = "redirected"
    """The carrier was told to call another site; what follows, the caller sees there."""
    CONNECTED = "connected"
    PARTED = "parted"
    GAVE_UP = "gave_up"
    """The caller hung up before a conversation, or waiting for another one."""
    FINISHED = "finished"
    """The caller hung up after, or out of, a conversation."""
    ENDED = "ended"
    """The branch hung up on the caller."""
    FAILED = "failed"


_ENDINGS = frozenset({Step.GAVE_UP, Step.FINISHED, Step.ENDED, Step.FAILED})


@dataclass(slots=True, kw_only=True)
class Seen:
    """One caller's story so far."""

    run: str
    call_id: str = ""
    """The branch's name for the call; empty until it gave one."""
    is_taken: bool = False
    is_redirected: bool = False
    conversation_count: int = 0
    doubled_count: int = 0
    """Times that the caller heard two at once; a conference or a supervisor makes that so on purpose."""
    ending: Step | None = None


@dataclass(slots=True, kw_only=True)
class Account:
    """All callers of all runs, by run and channel."""

    callers: dict[tuple[str, str], Seen] = field(default_factory=dict)

    def add(self, line: dict[str, Any]) -> None:
        """Take one line of the journal into account."""
        seen = self.callers.setdefault((line["run"], line["caller"]), Seen(run=line["run"]))
        step = Step(line["step"])
        seen.call_id = line.get("call_id") or seen.call_id
        if step is Step.TAKEN:
            seen.is_taken = True
        elif step is Step.REDIRECTED:
            seen.is_redirected = True
        elif step is Step.CONNECTED:
            seen.conversation_count += 1
            seen.doubled_count += len(line["with"]) > 1
        elif step in _ENDINGS:
            seen.ending = step

    def counts(self, run: str) -> dict[str, Any]:
        """The sums; callers of other runs without an ending failed when their run was killed."""
        endings = Counter(self._ending(seen, run) for seen in self.callers.values())
        callers = self.callers.values()
        return {
            "run": run,
            "offered": len(callers),
            "taken": sum(seen.is_taken for seen in callers),
            "answered": sum(seen.conversation_count > 0 for seen in callers),
            "abandoned": sum(seen.ending is Step.GAVE_UP and not seen.conversation_count for seen in callers),
            "abandoned_untaken": sum(seen.ending is Step.GAVE_UP and not seen.is_taken for seen in callers),
            "redirected": sum(seen.is_redirected for seen in callers),
            "connected_again": sum(seen.conversation_count > 1 for seen in callers),
            "connected_twice": sum(seen.doubled_count > 0 for seen in callers),
            "in_system": endings.pop("in_system", 0),
            "endings": dict(sorted(endings.items())),
            "calls": {seen.call_id: self._story(seen, run) for seen in callers if seen.call_id},
        }

    def _story(self, seen: Seen, run: str) -> dict[str, Any]:
        return {
            "taken": seen.is_taken,
            "conversations": seen.conversation_count,
            "ending": self._ending(seen, run),
        }

    def _ending(self, seen: Seen, run: str) -> str:
        if seen.ending is not None:
            return seen.ending.value
        return "in_system" if seen.run == run else Step.FAILED.value


class Witness:
    """Writes the journal of one run and keeps the account of all."""

    def __init__(self, journal: Path, *, run: str, now_utc_us: Callable[[], int]) -> None:
        """Goes on with the journal of earlier runs.

        Raises:
            OSError: the journal cannot be read or written.
        """
        self._run = run
        self._now_utc_us = now_utc_us
        self._account = read_account(journal)
        _drop_cut_line(journal)
        self._journal = journal.open("a", encoding="utf-8")

    def close(self) -> None:
        self._journal.close()

    def note(self, caller: str, step: Step, *, call_id: str = "", others: Iterable[str] = ()) -> None:
        line = {
            "run": self._run,
            "at_utc_us": self._now_utc_us(),
            "caller": caller,
            "step": step.value,
            "call_id": call_id,
            "with": list(others),
        }
        self._journal.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._journal.flush()
        self._account.add(line)

    def counts(self) -> dict[str, Any]:
        return self._account.counts(self._run)


def read_account(path: Path) -> Account:
    """The account of earlier runs; a last line that a kill has cut short was never seen."""
    account = Account()
    if path.exists():
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                if line.endswith("\n"):
                    account.add(json.loads(line))
    return account


def _drop_cut_line(path: Path) -> None:
    """The next run's first line must not be glued to half a line."""
    if path.exists():
        written = path.read_bytes()
        os.truncate(path, written.rfind(b"\n") + 1)
