"""What every test shares: a quiet gRPC core, patient property tests, and no skipping in CI."""

import os
from collections.abc import Generator

import pytest
from hypothesis import settings

# gRPC's C core prints INFO lines to stderr, where a test's own output belongs.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

IN_CI = os.environ.get("CI") == "true"

# Time limits are pytest-timeout's: on shared cores a slow example proves nothing.
settings.register_profile("trunkline", deadline=None, derandomize=IN_CI)
settings.load_profile("trunkline")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a component that is missing fails the test that needs it, instead of skipping it."""
    report = yield
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a whole file that would skip itself."""
    report = yield
    if IN_CI and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {report.longrepr}"
    return report
