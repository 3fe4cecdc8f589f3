"""What is written for people in two languages says the same in both: X.md beside X.zh-CN.md."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
_BLOCK = re.compile(r"^```(?P<kind>\w*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)]+)\)")
_HEADING = re.compile(r"(#+) (.+)")
_HALF_WIDTH = re.compile(r"[\u4e00-\u9fff][,;:!?()]|[,;:!?()][\u4e00-\u9fff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What stands between two headings, as far as it is the same in every language."""

    level: int
    row_count: int
    code: frozenset[str]


def chinese_pages() -> list[Path]:
    return sorted(page for folder in (ROOT, ROOT / "docs") for page in folder.glob("*.zh-CN.md"))


def english_of(page: Path) -> Path:
    return page.with_name(page.name.replace(".zh-CN.md", ".md"))


def chinese_of(page: Path) -> Path:
    """The page's Chinese twin; the page itself where it has none."""
    twin = page.with_name(page.name.replace(".md", ".zh-CN.md"))
    return twin if twin.exists() else page


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def prose(page: Path) -> str:
    return _BLOCK.sub("", read(page))


def commands(page: Path) -> list[str]:
    """All lines of its code blocks, without comments, which are for people."""
    blocks = (found["body"] for found in _BLOCK.finditer(read(page)) if found["kind"])
    lines = (line.partition("#")[0].rstrip() for block in blocks for line in block.splitlines())
    return [line for line in lines if line]


def answers(page: Path) -> list[int]:
    """How many lines each block has that shows what a program says: it speaks the reader's language."""
    return [len(found["body"].splitlines()) for found in _BLOCK.finditer(read(page)) if not found["kind"]]


def sections(page: Path) -> Iterator[Section]:
    parts = re.split(r"^(?=#+ )", prose(page), flags=re.MULTILINE)
    for part in filter(str.strip, parts):
        lines = part.splitlines()
        heading = _HEADING.match(lines[0])
        yield Section(
            level=len(heading[1]) if heading else 0,
            row_count=sum(line.startswith("|") for line in lines),
            code=frozenset(_CODE.findall(part)),
        )


def anchors(page: Path) -> list[str]:
    """Its headings as a link names them."""
    headings = (_HEADING.fullmatch(line) for line in prose(page).splitlines())
    words = (heading[2].lower() for heading in headings if heading)
    return [re.sub(r"[^\w\- ]", "", each).replace(" ", "-") for each in words]


def links(page: Path) -> set[tuple[Path, str]]:
    """Each file that it leads to, with the heading there, its other language aside."""
    found = (link.partition("#") for link in _LINK.findall(prose(page)) if "://" not in link)
    targets = [((page.parent / name).resolve() if name else page, anchor) for name, _hash, anchor in found]
    return {each for each in targets if each[0] not in {english_of(page), chinese_of(page)} - {page}}


def in_chinese(link: tuple[Path, str]) -> tuple[Path, str]:
    page, anchor = link
    twin = chinese_of(page) if page.suffix == ".md" else page
    if not anchor or twin == page:
        return twin, anchor
    return twin, anchors(twin)[anchors(page).index(anchor)]


@pytest.fixture(params=chinese_pages(), ids=lambda page: str(page.relative_to(ROOT)))
def chinese(request: pytest.FixtureRequest) -> Path:
    page: Path = request.param
    return page


@pytest.fixture
def english(chinese: Path) -> Path:
    return english_of(chinese)


def test_the_readme_and_the_guide_to_running_a_site_are_there_in_chinese() -> None:
    assert {ROOT / "README.zh-CN.md", ROOT / "docs" / "operating.zh-CN.md"} <= set(chinese_pages())


def test_each_language_leads_to_the_other_below_its_title(english: Path, chinese: Path) -> None:
    for page, other in ((english, chinese), (chinese, english)):
        assert _LINK.findall(read(page).splitlines()[2]) == [other.name]


def test_both_languages_show_the_same_commands(english: Path, chinese: Path) -> None:
    assert commands(chinese) == commands(english)
    assert answers(chinese) == answers(english)


def test_both_languages_have_the_same_sections_with_the_same_rows_and_names(
    english: Path, chinese: Path
) -> None:
    assert list(sections(chinese)) == list(sections(english))


def test_both_languages_lead_to_the_same_places_in_chinese_where_there_is_one(
    english: Path, chinese: Path
) -> None:
    assert links(chinese) == set(map(in_chinese, links(english)))


def test_links_lead_to_what_is_there(english: Path, chinese: Path) -> None:
    for page in (english, chinese):
        for target, anchor in links(page):
            assert target.exists(), f"{page.name}: {target}"
            assert not anchor or anchor in anchors(target), f"{page.name}: {target.name}#{anchor}"


def test_chinese_is_written_with_its_own_punctuation(chinese: Path) -> None:
    words = _CODE.sub("码", _LINK.sub("]", prose(chinese)))

    assert [line for line in words.splitlines() if _HALF_WIDTH.search(line)] == []
