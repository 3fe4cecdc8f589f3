"""What helping costs a site with a `max_own_loss`: paired differences over days of other callers each."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Executor

from router.kpi.confidence import Estimate
from router.world.day.busy_hour import generate
from router.world.day.scenario import Scenario
from router.world.day.variants import Variant
from router.world.figures.comparison import Compared, Played, play_variant
from router.world.figures.helping_cost import HelpingCost, helping_costs, reference_variants
from router.world.reference.policies import Policy

SEEDS = range(1, 11)


def measure(scenarios: Mapping[str, Scenario], pool: Executor) -> list[HelpingCost]:
    """Of each site with a limit; the variant's name is the day's."""
    costs: list[HelpingCost] = []
    for name, scenario in scenarios.items():
        variant = Variant(name=name, scenario=scenario, policy=Policy.RESERVE_PULL)
        references = reference_variants([variant])
        if references:
            limited, *others = (_compared(each, scenario, pool) for each in (variant, *references))
            costs += helping_costs([limited], others)
    return costs


def _compared(variant: Variant, scenario: Scenario, pool: Executor) -> Compared:
    count = len(SEEDS)
    plays = tuple(pool.map(_play, [variant] * count, [scenario] * count, SEEDS))
    return Compared(variant=variant, plays=plays, base_plays=plays)


def _play(variant: Variant, scenario: Scenario, seed: int) -> Played:
    return play_variant(variant, generate(scenario, seed), seed)


def worst_excess(costs: Iterable[HelpingCost]) -> float:
    """Points of own loss beyond the setting; below 0 where all stay within it."""
    return max(_mean(each.own_loss) - each.max_own_loss for each in costs)


def cells(costs: Iterable[HelpingCost]) -> list[list[str]]:
    """For the page: a row a site, below its titles."""
    titles = ["Day", "Site", "May lose", "Own loss", "Without a limit"]
    titles += ["Calls helped", "Without a limit", "Cluster pays"]
    return [titles, *(_row(each) for each in costs)]


def _row(cost: HelpingCost) -> list[str]:
    figures = (cost.own_loss, cost.own_loss_unlimited, cost.helped, cost.helped_unlimited, cost.cluster_pays)
    return [f"`{cost.variant}`", cost.site_id, f"{cost.max_own_loss:g}", *map(_shown, figures)]


def _shown(found: Estimate | None) -> str:
    if found is None:
        return "-"
    return f"{found.mean:.1f}" if found.half is None else f"{found.mean:.1f} ±{found.half:.1f}"


def _mean(found: Estimate | None) -> float:
    assert found is not None, "somebody called in every play"
    return found.mean
