"""Help of every command that is installed, in both languages, on screens of several widths."""

import re
from collections.abc import Iterator

import pytest
import typer
from rich.cells import cell_len
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

from node import cli, words

LANGUAGES = ("en", "zh-CN")


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    yield
    words.use("en")


def installed(language: str) -> TyperGroup:
    words.use(language)
    root = typer.main.get_command(cli.build(cli.entry_point_groups()))
    assert isinstance(root, TyperGroup)
    return root


def every_context(root: TyperGroup) -> Iterator[tuple[TyperCommand | TyperGroup, typer.Context]]:
    """Each command and how it is called, the root first."""
    waiting: list[tuple[TyperCommand | TyperGroup, typer.Context]] = [
        (root, typer.Context(root, info_name="trunkline"))
    ]
    while waiting:
        command, context = waiting.pop()
        yield command, context
        if isinstance(command, TyperGroup):
            for name in command.list_commands(context):
                below = command.get_command(context, name)
                assert isinstance(below, TyperCommand | TyperGroup)
                waiting.append((below, typer.Context(below, info_name=name, parent=context)))


def every_page(root: TyperGroup) -> Iterator[tuple[TyperCommand | TyperGroup, str]]:
    """Each command with its help, the root's first."""
    return ((command, command.get_help(context)) for command, context in every_context(root))


def bare(text: str) -> str:
    return re.sub(r"\s+", "", text)


@pytest.mark.parametrize("columns", [50, 80, 200])
@pytest.mark.parametrize("language", LANGUAGES)
def test_help_fits_the_screen_and_loses_nothing(
    language: str, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))

    pages = list(every_page(installed(language)))

    assert len(pages) > 60
    for command, page in pages:
        assert max(map(cell_len, page.splitlines())) <= columns, page
        assert bare(command.help or "") in bare(page)
        for parameter in command.params:
            assert parameter.param_type_name == "argument" or parameter.opts[0] in page
            assert bare(getattr(parameter, "help", None) or "") in bare(page)


def test_a_group_shows_the_whole_help_of_its_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    root = installed("zh-CN")

    page = root.get_help(typer.Context(root, info_name="trunkline"))

    for command in root.commands.values():
        assert bare(command.help or "") in bare(page)


def test_whoever_asks_for_a_commands_help_has_to_give_nothing_else(
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = installed("en")

    for command, context in every_context(root):
        _program, *names = context.command_path.split()

        assert root([*names, "--help"], prog_name="trunkline", standalone_mode=False) == 0
        assert bare(command.help or "") in bare(capsys.readouterr().out)


def test_a_word_behind_two_hyphens_asks_for_no_help() -> None:
    with pytest.raises(TyperException, match="parameter: name"):
        installed("en")(["desk", "note", "CALL", "--", "--help"], standalone_mode=False)


def test_no_word_of_the_library_is_left_in_chinese_help(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")

    for _command, page in every_page(installed("zh-CN")):
        for word in (
            "Usage",
            "Options",
            "Arguments",
            "Commands",
            "OPTIONS",
            "Show this",
            "default",
            "required",
            "range",
        ):
            assert word not in page, page


@pytest.mark.parametrize(("language", "folder"), [("en", "--dir <folder>"), ("zh-CN", "--dir <文件夹>")])
def test_where_a_folder_is_meant_no_file_is_asked_for(language: str, folder: str) -> None:
    root = installed(language)
    pages = [
        command.get_help(context) for command, context in every_context(root) if context.info_name == "init"
    ]

    assert any(folder in page for page in pages)
