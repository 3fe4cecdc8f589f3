"""What is written for people in two languages says the same in both."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
_BLOCKS = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINKS = re.compile(r"\]\(([^)]+)\)")
_TWINS = ("README.md", "README.zh-CN.md")


def commands(text: str) -> list[str]:
    """All lines of its code blocks, without comments, which are for people."""
    lines = (
        line.partition("#")[0].rstrip() for block in _BLOCKS.findall(text) for line in block.splitlines()
    )
    return [line for line in lines if line]


def pages(text: str) -> set[str]:
    """All that it links to, its other language aside."""
    return set(_LINKS.findall(text)) - set(_TWINS)


@pytest.fixture
def twins() -> list[str]:
    return [(ROOT / name).read_text(encoding="utf-8") for name in _TWINS]


def test_both_readmes_show_the_same_commands(twins: list[str]) -> None:
    english, chinese = map(commands, twins)

    assert "make demo" in english
    assert chinese == english


def test_both_readmes_lead_to_the_same_pages_which_are_there(twins: list[str]) -> None:
    english, chinese = map(pages, twins)

    assert chinese == english
    assert [page for page in english if not (ROOT / page).exists()] == []
