"""`trunkline desk` for scripts, over real gRPC: talks of more than two."""

from pathlib import Path

from router.agent import AgentState
from router.facts import AgentBecameReady, AgentLoggedIn
from router.ids import CallId, Skill
from router.orders import RingAgent
from router.talk.consultation import ConsultationState
from router.talk.supervision import SupervisionMode
from router.views import ConsultationView, RecordingState
from tests.fakes.desk_site import ANN, KIM, DeskSite
from tests.integration.test_branch_terminal_desk import at, run, until_agent


def consultation(site: DeskSite, call_id: CallId) -> ConsultationView | None:
    call = site.desk.floor.call(call_id)
    assert call is not None
    return call.consultation


async def test_a_script_picks_up_consults_merges_records_and_is_supervised(
    site: DeskSite, secret: Path, tmp_path: Path
) -> None:
    kim = [*at(site, secret), "--token-file", tmp_path / "kim"]
    lee = [*at(site, secret, "lee"), "--token-file", tmp_path / "lee"]
    site.desk.tell(AgentLoggedIn(agent_id=ANN, skills=frozenset({Skill("PS")})))

    call_id = site.call()
    assert (await run(*kim, "pick-up", "--queue", "support"))[0] == 0
    await until_agent(site, AgentState.RINGING)
    assert (await run(*kim, "answer"))[0] == 0
    await until_agent(site, AgentState.TALKING)
    site.desk.tell(AgentBecameReady(agent_id=ANN))
    assert (await run(*kim, "record", "start"))[0] == 0
    assert (await run(*kim, "consult", "--agent", "1002"))[0] == 0
    asked = consultation(site, call_id)
    assert asked is not None
    site.phones.answer_leg(asked.leg_id)
    assert (await run(*kim, "merge"))[0] == 0
    merged = consultation(site, call_id)
    assert (await run(*lee, "supervise", "--agent", "1001", "--mode", "whisper", "--phone", "1009"))[0] == 0
    supervisions = list(site.desk.floor.supervisions())
    assert (await run(*lee, "leave"))[0] == 0
    assert (await run(*kim, "complete"))[0] == 0

    call = site.desk.floor.call(call_id)
    assert merged is not None
    assert merged.state is ConsultationState.MERGED
    assert [(each.supervisor, each.agent_id, each.mode) for each in supervisions] == [
        ("lee", KIM, SupervisionMode.WHISPER)
    ]
    assert "beijing/1009" in [order.agent_id for order in site.phones.orders if isinstance(order, RingAgent)]
    assert list(site.desk.floor.supervisions()) == []
    assert call is not None
    assert (call.agent_id, call.recording) == (ANN, RecordingState.NONE)


async def test_a_consultation_is_cancelled_by_a_script(site: DeskSite, secret: Path, tmp_path: Path) -> None:
    kim = [*at(site, secret), "--token-file", tmp_path / "kim"]
    site.desk.tell(AgentLoggedIn(agent_id=ANN, skills=frozenset({Skill("PS")})))
    assert (await run(*kim, "ready"))[0] == 0
    site.call()
    assert (await run(*kim, "answer", "--wait", "5"))[0] == 0
    await until_agent(site, AgentState.TALKING)
    site.desk.tell(AgentBecameReady(agent_id=ANN))
    assert (await run(*kim, "consult", "--agent", "1002"))[0] == 0
    await until_agent(site, AgentState.ON_HOLD)

    assert (await run(*kim, "cancel"))[0] == 0

    await until_agent(site, AgentState.TALKING)


async def test_an_agents_script_may_not_supervise(site: DeskSite, secret: Path) -> None:
    code, _out, err = await run(*at(site, secret), "supervise", "--agent", "1002")

    assert code != 0
    assert "the role AGENT does not allow this" in err
