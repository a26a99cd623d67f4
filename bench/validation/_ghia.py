"""Velocities on the center lines of a cavity with a moving lid.

U. Ghia, K. N. Ghia and C. T. Shin, J. Comput. Phys. 48 (1982), tables I and II.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.interpolate import CubicSpline

# y, u at Re 100, u at Re 400.
VERTICAL = """
.0547 -.03717 -.08186    .0625 -.04192 -.09266    .0703 -.04775 -.10338    .1016 -.06434 -.14612
.1719 -.10150 -.24299    .2813 -.15662 -.32726    .4531 -.21090 -.17119    .5    -.20581 -.11477
.6172 -.13641  .02135    .7344  .00332  .16256    .8516  .23151  .29093    .9531  .68717  .55892
.9609  .73722  .61756    .9688  .78871  .68439    .9766  .84123  .75837
"""
# The same along x, with v; without x = 0.9063, where the value for Re 400 is misprinted.
HORIZONTAL = """
.0625  .09233  .18360    .0703  .10091  .19713    .0781  .10890  .20920    .0938  .12317  .22965
.1563  .16077  .28124    .2266  .17507  .30203    .2344  .17527  .30174    .5     .05454  .05186
.8047 -.24533 -.38598    .8594 -.22445 -.44993    .9453 -.10313 -.22847    .9531 -.08864 -.19254
.9609 -.07391 -.15663    .9688 -.05906 -.12146
"""
DURATIONS: Mapping[int, float] = {100: 16.0, 400: 40.0}
"""For each Reynolds number, when the flow is steady."""


@dataclass(frozen=True, slots=True)
class Line:
    """One center line: what the table says there, and a curve through ours."""

    place: np.ndarray
    theirs: np.ndarray
    ours: CubicSpline

    @property
    def distance(self) -> float:
        """Largest difference at the table's places."""
        return float(np.abs(self.ours(self.place) - self.theirs).max())


def center_lines(
    u: Float[np.ndarray, " y"], v: Float[np.ndarray, " x"], reynolds: int
) -> tuple[Line, Line]:
    """Compare u over y at x = 1/2, and v over x at y = 1/2, in units of the lid's speed.

    Args:
        u: at the centers of cells.
        v: at the centers of cells.
        reynolds: 100 or 400.
    """
    column = 1 + list(DURATIONS).index(reynolds)
    centers = np.concatenate([[0], (np.arange(len(u)) + 0.5) / len(u), [1]])
    tables = [np.array(text.split(), float).reshape(-1, 3) for text in (VERTICAL, HORIZONTAL)]
    along_y, along_x = (
        Line(table[:, 0], table[:, column], CubicSpline(centers, [0, *values, lid]))
        for table, values, lid in zip(tables, (u, v), (1.0, 0.0), strict=True)
    )
    return along_y, along_x
