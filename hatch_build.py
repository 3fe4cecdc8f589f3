"""The message catalogs at build time: every .po becomes the .mo that is shipped and read.

hatchling runs the hook for wheels and for editable installs alike; the Makefile runs
the same code after a catalog was edited, and `check` in the static checks.
"""

import sys
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LOCALE_DIR = Path("node", "words", "locale")


class CatalogBuildHook(BuildHookInterface[Any]):
    """Compiles the catalogs before hatchling collects the files."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write each .mo beside its .po; pyproject.toml lists them as artifacts."""
        compile_catalogs(Path(self.root))


def compile_catalogs(root: Path) -> list[Path]:
    """Compile every catalog under `root` and return the .mo files written."""
    return [_compile(po_file) for po_file in _po_files(root)]


def catalog_faults(root: Path) -> list[str]:
    """Name every message of every catalog that has no translation or a doubtful one."""
    return [fault for po_file in _po_files(root) for fault in _faults(po_file, root)]


def _po_files(root: Path) -> list[Path]:
    return sorted((root / LOCALE_DIR).glob("*/LC_MESSAGES/*.po"))


def _read(po_file: Path) -> Catalog:
    locale = po_file.parent.parent.name
    with po_file.open("rb") as source:
        return read_po(source, locale=locale, abort_invalid=True)


def _compile(po_file: Path) -> Path:
    mo_file = po_file.with_suffix(".mo")
    with mo_file.open("wb") as target:
        write_mo(target, _read(po_file))
    return mo_file


def _faults(po_file: Path, root: Path) -> list[str]:
    place = po_file.relative_to(root)
    faults = []
    for message in _read(po_file):
        if not message.id:
            continue
        texts = message.string if isinstance(message.string, tuple | list) else [message.string]
        if message.fuzzy:
            faults.append(f"{place}:{message.lineno}: fuzzy: {message.id!r}")
        elif not all(texts):
            faults.append(f"{place}:{message.lineno}: not translated: {message.id!r}")
        faults += [f"{place}:{message.lineno}: {error}" for error in message.check()]
    return faults


def main(arguments: list[str]) -> int:
    """Compile the catalogs of this checkout, or with `check` print what they lack."""
    root = Path(__file__).parent
    if arguments == ["check"]:
        faults = catalog_faults(root)
        print("\n".join(faults or ["message catalogs are complete"]))
        return 1 if faults else 0
    compile_catalogs(root)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
