"""ARCHITECTURE.md is the way in: every file and folder that it names is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
ROOMS = ("router", "sync", "node", "branch", "hq", "deploy", "tests", "protos", "docs")


def named_paths(text: str) -> list[str]:
    """What stands in backticks and begins with a room; a bare file name belongs to the room before it."""
    paths: list[str] = []
    for row in text.splitlines():
        folder = ""
        for name in re.findall(r"`([\w./-]+)`", row):
            if name.split("/")[0] in ROOMS and "/" in name:
                paths.append(name)
                folder = name if not name.endswith(".py") else name.rpartition("/")[0]
            elif name.endswith(".py") and folder:
                paths.append(f"{folder}/{name}")
    return paths


def test_every_place_on_the_map_is_there() -> None:
    paths = named_paths((ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8"))

    assert len(paths) > 50
    assert [path for path in paths if not (ROOT / path).exists()] == []
