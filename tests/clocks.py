"""Clocks for tests that run a real service."""

from datetime import timedelta

from ingest.clock import SystemClock


class MovableClock(SystemClock):
    """The machine's clock, set ahead."""

    ahead = timedelta()

    def now(self):
        return super().now() + self.ahead
