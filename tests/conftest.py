"""What holds for all tests, and what they have to say at the end of a run, whichever process ran them."""

from __future__ import annotations

import hypothesis
import pytest

# A machine that is busy is no fault of what is tested, and how long things take is measured elsewhere.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, text in getattr(report, "user_properties", ()):
                if name == "summary" and report.when == "call":
                    terminalreporter.write_line(text)
