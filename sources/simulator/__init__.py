"""The seeded retail simulator: a chain whose expected demand is known, so that the smallest
possible error is known.
"""

from sources.simulator.drop import Drop, make_drop, write_day, write_truth
from sources.simulator.simulation import Simulation, simulate

__all__ = ["Drop", "Simulation", "make_drop", "simulate", "write_day", "write_truth"]
