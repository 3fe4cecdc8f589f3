"""A test that skips is a test that did not run: CI says so."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[2] / "conftest.py"
SKIPPED_TEST = "import pytest\n\ndef test_needs_a_server() -> None:\n    pytest.skip('no server')\n"
SKIPPED_FILE = "import pytest\n\npytest.skip('no server', allow_module_level=True)\n"


def run_pytest(folder: Path, test: str, *, ci: str) -> subprocess.CompletedProcess[str]:
    """Run one test file beside the real conftest.py, in a process of its own."""
    (folder / "conftest.py").write_text(CONFTEST.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "test_component.py").write_text(test, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir=.", "."]
    return subprocess.run(
        command, cwd=folder, env={**os.environ, "CI": ci}, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("test", [SKIPPED_TEST, SKIPPED_FILE])
def test_a_skip_fails_in_ci(tmp_path: Path, test: str) -> None:
    run = run_pytest(tmp_path, test, ci="true")

    assert run.returncode != pytest.ExitCode.OK
    assert "skipped, which CI does not allow" in run.stdout


def test_a_skip_is_a_skip_elsewhere(tmp_path: Path) -> None:
    run = run_pytest(tmp_path, SKIPPED_TEST, ci="")

    assert run.returncode == pytest.ExitCode.OK
    assert "1 skipped" in run.stdout
