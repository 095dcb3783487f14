# SPDX-License-Identifier: MIT OR Apache-2.0
"""contain.probe says what is so."""

import os

import contain
import pytest


def test_probe_finds_that_containers_work(descriptors):
    before = descriptors()
    report = contain.probe()
    assert descriptors() == before
    names = [finding.name for finding in report.findings]
    assert len(names) == len(set(names)) > 5 and "kernel" in names
    for finding in report.findings:
        assert finding.status in ("ok", "limited", "missing", "unknown") and finding.found
        assert finding.status == "ok" or finding.cause
    # The tests run, so containers do; a terminal may be missing here.
    assert report.works or [finding for finding in report.findings if finding.status == "missing"]
    kernel = next(finding for finding in report.findings if finding.name == "kernel")
    assert os.uname().release in kernel.found
    with pytest.raises(AttributeError):
        report.works = False
