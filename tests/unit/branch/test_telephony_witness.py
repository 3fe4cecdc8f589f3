"""What the simulated PBX counts of its callers."""

from pathlib import Path

from branch.telephony.simulated.pbx.witness import Account, Step, Witness, read_account


def witness(path: Path, run: str) -> Witness:
    return Witness(path, run=run, now_utc_us=lambda: 1)


def test_a_caller_heard_by_two_at_once_is_counted_as_connected_twice(tmp_path: Path) -> None:
    seen = witness(tmp_path / "w", "r1")

    seen.note("c1", Step.ARRIVED)
    seen.note("c1", Step.CONNECTED, call_id="call", others=["leg-1", "leg-2"])
    seen.note("c1", Step.FINISHED, call_id="call")

    assert seen.counts()["connected_twice"] == 1
    seen.close()


def test_a_second_conversation_is_counted_apart_and_is_no_abandonment(tmp_path: Path) -> None:
    seen = witness(tmp_path / "w", "r1")

    for step in (Step.ARRIVED, Step.TAKEN, Step.CONNECTED, Step.PARTED, Step.CONNECTED, Step.PARTED):
        seen.note("c1", step, call_id="call", others=["leg"])
    seen.note("c1", Step.GAVE_UP, call_id="call")

    counts = seen.counts()
    assert (counts["connected_again"], counts["connected_twice"], counts["abandoned"]) == (1, 0, 0)
    assert counts["calls"]["call"] == {"taken": True, "conversations": 2, "ending": "gave_up"}
    seen.close()


def test_a_killed_runs_callers_failed_and_its_cut_line_was_never_seen(tmp_path: Path) -> None:
    path = tmp_path / "w"
    before = witness(path, "r1")
    before.note("c1", Step.ARRIVED)
    before.close()
    with path.open("a", encoding="utf-8") as journal:
        journal.write('{"run": "r1", "caller": "c2", "st')

    after = witness(path, "r2")
    after.note("c1", Step.ARRIVED)
    after.note("c1", Step.GAVE_UP)
    counts = after.counts()
    after.close()

    assert counts["endings"] == {"failed": 1, "gave_up": 1}
    assert read_account(path).counts("r3")["offered"] == 2


def test_an_account_without_callers_is_all_zero() -> None:
    counts = Account().counts("r1")

    assert counts["offered"] == counts["answered"] == counts["abandoned"] == 0
    assert counts["calls"] == {}
