"""Run every bench of this folder, write build/bench.json and show it as a table.

Each `bench_*.py` has `results()`, rows of name, value, unit, better, goal and command.
Ratios are measured in one run, both sides taking turns: this is what can be compared
between machines; absolute figures are only of the machine named in the file.
"""

import importlib
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Column, Table

HERE = Path(__file__).parent
TARGET = Path("build/bench.json")


def machine() -> dict[str, Any]:
    return {
        "cpu_count": os.cpu_count(),
        "architecture": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def is_met(row: dict[str, Any]) -> bool | None:
    """Whether the goal is reached; None without one."""
    if row["goal"] is None:
        return None
    met: bool = row["value"] <= row["goal"] if row["better"] == "lower" else row["value"] >= row["goal"]
    return met


def show(rows: list[dict[str, Any]], console: Console) -> None:
    table = Table(Column("name", no_wrap=True, min_width=36), "value", "unit", "goal", "")
    for row in rows:
        met = is_met(row)
        mark = "" if met is None else "[green]met[/]" if met else "[red]missed[/]"
        goal = "" if row["goal"] is None else f"{'<=' if row['better'] == 'lower' else '>='} {row['goal']:g}"
        table.add_row(row["name"], f"{row['value']:,.3f}", row["unit"], goal, mark)
    console.print(table)


def main(wanted: list[str]) -> int:
    """Run the benches whose names hold one of `wanted`; all when it is empty.

    Returns:
        0 when every goal is met, else 1: the figures are written either way.
    """
    names = sorted(path.stem for path in HERE.glob("bench_*.py"))
    names = [name for name in names if not wanted or any(word in name for word in wanted)]
    rows: list[dict[str, Any]] = []
    console = Console()
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("bench", total=len(names))
        for name in names:
            progress.update(task, description=name)
            rows += importlib.import_module(f"tests.bench.{name}").results()
            progress.advance(task)
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(json.dumps({"machine": machine(), "results": rows}, indent=1) + "\n", encoding="utf-8")
    show(rows, console)
    return 1 if any(is_met(row) is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
