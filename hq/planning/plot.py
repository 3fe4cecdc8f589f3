"""A plot of waits through the day: the variants' mean waits with their intervals, and who was on duty."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager

from hq.planning.day import BadChoiceError, PlannedDay
from node import words
from node.terminal import messages
from node.words import text as _
from router.kpi.confidence import Estimate
from router.world.day.past_day import agents_at
from router.world.day.scenario import Scenario
from router.world.figures.comparison import Compared
from router.world.figures.through_day import INTERVAL_MS

_CHINESE_FONTS = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN", "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei", "Microsoft YaHei", "SimHei", "PingFang SC", "Heiti SC", "Droid Sans Fallback",
    "AR PL UMing CN",
)  # fmt: skip
_TICKS = 12


def check_plot_path(path: Path) -> None:
    """Before hours are played for a picture that can't be written.

    Raises:
        BadChoiceError: no kind of picture that is made here, or no such folder.
    """
    if path.suffix.lower() not in (".png", ".svg"):
        raise BadChoiceError(_("--plot {path} must end in .png or .svg", path=path))
    if not path.absolute().parent.is_dir():
        raise BadChoiceError(_("--plot: there is no folder {folder}", folder=path.absolute().parent))


def write_plot(path: Path, day: PlannedDay, compared: Sequence[Compared]) -> None:
    """The picture, in the reader's language where a font for it is there.

    Raises:
        OSError: the file can't be written.
    """
    is_svg = path.suffix.lower() == ".svg"
    fonts, speaks_chinese = _fonts(is_svg=is_svg)
    with warnings.catch_warnings(), mpl.rc_context():
        mpl.rcParams["font.family"] = fonts
        mpl.rcParams["svg.fonttype"] = "none"
        mpl.rcParams["svg.hashsalt"] = "trunkline"
        # Text of a SVG is drawn by the viewer, whose fonts are not ours to judge.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = Figure(figsize=(11, 7), layout="constrained")
        canvas = FigureCanvasSVG(figure) if is_svg else FigureCanvasAgg(figure)
        waits, level, duty = figure.subplots(3, 1, sharex=True, height_ratios=(3, 2, 1.5))
        labels = _labels(speaks_chinese=speaks_chinese)
        _draw(day, compared, (waits, level, duty), labels)
        figure.suptitle(f"{labels['title']} · {day.name}")
        # Without a date, the same comparison gives the same file.
        metadata: Mapping[str, str | None] = {"Date": None} if is_svg else {}
        canvas.print_figure(path, dpi=130, metadata=metadata)


def _draw(
    day: PlannedDay, compared: Sequence[Compared], panels: tuple[Axes, Axes, Axes], labels: Mapping[str, str]
) -> None:
    waits, level, duty = panels
    intervals = list(compared[0].plays[0].through_day)
    for number, each in enumerate(compared):
        name = labels["base"] if number == 0 else each.variant.name
        colour = f"C{number % 10}"
        _band(waits, intervals, [each.mean_wait(at) for at in intervals], name, colour)
        _band(level, intervals, [each.service_level(at) for at in intervals], name, colour)
        moments, staffed = on_duty(each.variant.scenario, intervals[0], intervals[-1] + 1)
        duty.step(moments, staffed, where="post", color=colour)
    for panel, key in zip(panels, ("wait", "level", "duty"), strict=True):
        panel.set_ylabel(labels[key])
        panel.grid(alpha=0.3)
        panel.set_ylim(bottom=0)
    level.set_ylim(0, 102)
    level.axhline(85, color="grey", linestyle=":", linewidth=1)
    waits.legend(loc="upper right", fontsize="small")
    step = max(1, len(intervals) // _TICKS)
    ticks = intervals[::step]
    duty.set_xticks(ticks, [f"{day.clock(at * INTERVAL_MS):%H:%M}" for at in ticks])
    duty.set_xlabel(f"{labels['time']} ({day.clock_name()})")


def on_duty(scenario: Scenario, first: int, end: int) -> tuple[list[float], list[int]]:
    """Each moment at which somebody comes or goes, in intervals, and how many are there from it on."""
    at_first = {site.site_id: site.agents for site in scenario.sites}
    changes = {change.from_ms for change in scenario.roster}
    between = sorted(at for at in changes if first * INTERVAL_MS < at < end * INTERVAL_MS)
    moments = [first * INTERVAL_MS, *between, end * INTERVAL_MS]
    staffed = [sum(agents_at(at_first, scenario.roster, at).values()) for at in moments[:-1]]
    return [at / INTERVAL_MS for at in moments], [*staffed, staffed[-1]]


def _band(
    panel: Axes, intervals: Sequence[int], found: Sequence[Estimate | None], name: str, colour: str
) -> None:
    """A line through the means, in the middle of their intervals, and the 95 % interval around it if any."""
    known = [(at, each) for at, each in zip(intervals, found, strict=True) if each is not None]
    places = [at + 0.5 for at, _each in known]
    panel.plot(places, [each.mean for _at, each in known], color=colour, label=name, marker=".", markersize=3)
    low = [each.mean if each.low is None else max(0.0, each.low) for _at, each in known]
    high = [each.mean if each.high is None else each.high for _at, each in known]
    panel.fill_between(places, low, high, color=colour, alpha=0.15, linewidth=0)


def _fonts(*, is_svg: bool) -> tuple[list[str], bool]:
    """Fonts in the order of preference, and whether Chinese can be written with them."""
    if words.language() == "en":
        return ["DejaVu Sans"], False
    there = {font.name for font in fontManager.ttflist}
    found = [name for name in _CHINESE_FONTS if name in there]
    if found or is_svg:
        # A SVG keeps its text as text: the viewer's own fonts draw it.
        return [*found, "DejaVu Sans"], True
    messages().print(
        _(
            "no Chinese font is installed, so the plot speaks English; install one (fonts-noto-cjk), or write"
            " .svg"
        )
    )
    return ["DejaVu Sans"], False


def _labels(*, speaks_chinese: bool) -> dict[str, str]:
    english = {
        "title": "Waits through the day",
        "wait": "mean wait of all, s",
        "level": "within 20 s, %",
        "duty": "agents on duty",
        "time": "time of arrival",
        "base": "as it is",
    }
    if not speaks_chinese:
        return english
    return {
        "title": _("Waits through the day"),
        "wait": _("mean wait of all, s"),
        "level": _("within 20 s, %"),
        "duty": _("agents on duty"),
        "time": _("time of arrival"),
        "base": _("as it is"),
    }
