"""How much several runs of one thing differ: mean, standard deviation, and a 95 % interval of the mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from statistics import fmean, stdev

_T = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145),
    *(2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048),
    *(2.045, 2.042),
)
"""Student's t at 97.5 %, for 1 to 30 degrees of freedom."""
_T_BEYOND = 2.0


def spread(values: Sequence[float]) -> dict[str, float]:
    """mean, sd, and low and high of the mean, for two values or more.

    >>> {name: round(value, 2) for name, value in spread([1.0, 2.0, 3.0]).items()}
    {'mean': 2.0, 'sd': 1.0, 'low': -0.48, 'high': 4.48}
    """
    mean, sd = fmean(values), stdev(values)
    freedom = len(values) - 1
    half = (_T[freedom - 1] if freedom <= len(_T) else _T_BEYOND) * sd / sqrt(len(values))
    return {"mean": mean, "sd": sd, "low": mean - half, "high": mean + half}


def spreads(runs: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Of each measure that all runs have."""
    return {name: spread([run[name] for run in runs]) for name in runs[0] if all(name in run for run in runs)}
