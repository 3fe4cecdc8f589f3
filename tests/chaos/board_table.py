"""Break the load board in every way that is known of, and write docs/board-faults.md with what was seen."""

import asyncio
import logging
import sys
import tempfile
from pathlib import Path

import structlog

from tests.chaos.board_faults import FAULTS
from tests.chaos.board_trial import Verdict, put_to_trial

TARGET = Path("docs/board-faults.md")

HEAD = """# The load board under faults

Written by `make board-faults`; `make chaos` holds the zeros and the 15 s, by the digest for a lost quorum.
A real etcd of three members, five sites with the board's real adapter and the router's real view and
choice; each site publishes twice a second and chooses twenty times a second. As each fault begins, one
more site dies without a word. Seconds are real ones, of one run.
"""

BY_RECORD = """
## Every site reads each other's record

As up to 300 sites do.

"""

BY_DIGEST = """
## Every site reads the digest that one of them writes

As more than 300 do; here from four on, so where records are lost with the fault, sites go back to reading
each other's and return.

"""

COLUMNS = """\
| Fault | Back after | Oldest view | Choices | Out of view | Stale, not said | Dead chosen for | Missed |
|---|---|---|---|---|---|---|---|
"""

FOOT = """
## The columns

- *Back after*: from the fault's end until every site's key is there again under a lease and every view
  shows something published after it.
- *Out of view*: choices of a site that its chooser could not have seen for 15 s.
- *Stale, not said*: looks that found a view called fresh without what etcd had held for longer than the
  3 s that allows.
- *Dead chosen for*: seconds after its death until a site was chosen for the last time, had nobody asked
  it; at most 15. Its key stays for a lease (10 s), and for another under each new leader, so a site whose
  record was not put again under the new leader is taken for dead. In a branch the first unanswered
  Reserve takes it out of the choice.
- *Missed*: records in etcd's own history after the recovery that a site was not told of; by the digest
  each site's last, for it tells none that was replaced within its second.
"""


def main() -> int:
    """Returns 0 when every verdict is clean, else 1: the tables are written either way."""
    # What the adapter logs is looked at by tests of its own; here it would bury the table.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    by_record, by_digest = _verdicts(reads_digest=False), _verdicts(reads_digest=True)
    tables = (BY_RECORD, COLUMNS, *map(_row, by_record), BY_DIGEST, COLUMNS, *map(_row, by_digest))
    TARGET.write_text(HEAD + "".join(tables) + FOOT, encoding="utf-8")
    return 0 if all(verdict.is_clean for verdict in (*by_record, *by_digest)) else 1


def _verdicts(*, reads_digest: bool) -> list[Verdict]:
    verdicts = []
    for fault in FAULTS:
        with tempfile.TemporaryDirectory(prefix="board-faults-") as folder:
            verdicts.append(asyncio.run(put_to_trial(fault, Path(folder), reads_digest=reads_digest)))
        sys.stdout.write(_row(verdicts[-1]))
        sys.stdout.flush()
    return verdicts


def _row(verdict: Verdict) -> str:
    cells = (
        verdict.fault.tells,
        f"{verdict.back_after_s:.1f} s",
        f"{verdict.oldest_view_s:.1f} s",
        f"{verdict.choice_count:,}",
        str(verdict.wrong_choice_count),
        str(verdict.hidden_stale_count),
        f"{verdict.dead_chosen_for_s:.1f} s",
        f"{verdict.missed_update_count} of {verdict.update_count}",
    )
    return "| " + " | ".join(cells) + " |\n"


if __name__ == "__main__":
    sys.exit(main())
