# SPDX-License-Identifier: MPL-2.0
"""Segments of processes that do not exist, by the thousand: see programs/fake_segments.c."""

from support import products
from support.process import Process


class FakeSegments(Process):
    """`kind`: few series of each group, all, or hostile texts."""

    def __init__(self, directory, processes, groups, kind):
        super().__init__([*products.program("fake_segments"), directory, processes, groups, kind])
        assert self.line() == "ready"
