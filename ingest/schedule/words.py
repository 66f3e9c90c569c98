"""Reasons in words: how long, how often."""

_MINUTE_S, _HOUR_S, _DAY_S = 60.0, 3600.0, 86_400.0


def lasting(seconds: float) -> str:
    """A duration as people say it: "42 min", "3.5 h"."""
    if seconds < 1.5 * _MINUTE_S:
        return f"{seconds:.0f} s"
    if seconds < 1.5 * _HOUR_S:
        return f"{seconds / _MINUTE_S:.0f} min"
    if seconds < 2 * _DAY_S:
        return f"{seconds / _HOUR_S:.3g} h"
    return f"{seconds / _DAY_S:.3g} days"


def how_often(per_day: float) -> str:
    """A rate as people say it: "3.1 entries a day"."""
    if per_day >= 0.95:  # noqa: PLR2004  reads as 1 a day
        return f"{per_day:.2g} entries a day" if per_day < 99.5 else f"{per_day:.0f} entries a day"  # noqa: PLR2004
    if per_day >= 0.95 / 7:
        return f"{per_day * 7:.2g} entries a week"
    return f"{per_day * 30:.2g} entries a month"
