"""The build hook makes every catalog readable, and names what a translation lacks."""

import gettext
from pathlib import Path

from hatch_build import catalog_faults, compile_catalogs

HEADER = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'


def write_catalog(root: Path, body: str) -> Path:
    po_file = root / "node" / "words" / "locale" / "zh_CN" / "LC_MESSAGES" / "trunkline.po"
    po_file.parent.mkdir(parents=True)
    po_file.write_text(HEADER + body, encoding="utf-8")
    return po_file


def test_a_compiled_catalog_speaks_chinese_from_a_path_with_blanks(tmp_path: Path) -> None:
    root = tmp_path / "新 clone"
    write_catalog(root, 'msgid "site"\nmsgstr "站点"\n')

    [mo_file] = compile_catalogs(root)

    with mo_file.open("rb") as catalog:
        assert gettext.GNUTranslations(catalog).gettext("site") == "站点"


def test_a_complete_catalog_has_no_fault(tmp_path: Path) -> None:
    write_catalog(tmp_path, 'msgid "site"\nmsgstr "站点"\n')

    assert catalog_faults(tmp_path) == []


def test_a_message_without_translation_is_named(tmp_path: Path) -> None:
    write_catalog(tmp_path, 'msgid "site"\nmsgstr ""\n')

    [fault] = catalog_faults(tmp_path)

    assert "not translated: 'site'" in fault


def test_a_plural_without_translation_is_named(tmp_path: Path) -> None:
    write_catalog(tmp_path, 'msgid "{count} call"\nmsgid_plural "{count} calls"\nmsgstr[0] ""\n')

    [fault] = catalog_faults(tmp_path)

    assert "not translated" in fault


def test_a_doubtful_translation_is_named(tmp_path: Path) -> None:
    write_catalog(tmp_path, '#, fuzzy\nmsgid "site"\nmsgstr "站点"\n')

    [fault] = catalog_faults(tmp_path)

    assert "fuzzy: 'site'" in fault


def test_a_translation_that_renames_a_field_is_named(tmp_path: Path) -> None:
    write_catalog(tmp_path, '#, python-brace-format\nmsgid "site {site}"\nmsgstr "站点 {zhandian}"\n')

    assert len(catalog_faults(tmp_path)) == 1


def test_a_translation_with_an_open_brace_is_named(tmp_path: Path) -> None:
    write_catalog(tmp_path, 'msgid "site {site}"\nmsgstr "站点 {site"\n')

    assert len(catalog_faults(tmp_path)) == 1
