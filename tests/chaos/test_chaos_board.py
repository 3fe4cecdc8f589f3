"""The load board of a three-member etcd, broken in every way that is known of."""

from pathlib import Path

import pytest

from tests.chaos.board_faults import FAULTS, Fault
from tests.chaos.board_trial import AFTERWARDS_COUNT, OUT_S, SLACK_S, put_to_trial

pytestmark = pytest.mark.timeout(240)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_the_board_recovers_by_itself_and_nobody_out_of_view_is_chosen(
    fault: Fault, tmp_path: Path
) -> None:
    verdict = await put_to_trial(fault, tmp_path)

    assert verdict.wrong_choice_count == 0
    assert verdict.dead_chosen_for_s <= OUT_S + SLACK_S
    assert verdict.hidden_stale_count == 0
    assert verdict.missed_update_count == 0
    # Nothing above is empty talk: there were choices to be wrong and updates to be missed.
    assert verdict.choice_count > 0
    assert verdict.update_count >= AFTERWARDS_COUNT


async def test_nobody_out_of_view_is_chosen_by_a_digest_after_an_election(tmp_path: Path) -> None:
    """Its new writer believes no record at first: the board is no smaller for that, and nobody is revived."""
    fault = next(each for each in FAULTS if each.name == "quorum_lost")

    verdict = await put_to_trial(fault, tmp_path, reads_digest=True)

    assert verdict.wrong_choice_count == 0
    assert verdict.dead_chosen_for_s <= OUT_S + SLACK_S
    assert verdict.hidden_stale_count == 0
    assert verdict.missed_update_count == 0
    assert verdict.choice_count > 0
    assert verdict.update_count > 0
