"""The summary that checks share equals NumPy's, whatever the shape and the precision."""

import numpy as np
import pytest

from matey_core.linting._summary import PIECE, summarize


@pytest.mark.parametrize(
    "shape", [(1, 3), (7, 33), (300, 200), (3, 190, 190), (2, 20, 50, 70), (5, PIECE)]
)
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_summaries(shape: tuple[int, ...], dtype: str) -> None:
    generator = np.random.default_rng(1)
    values = (100 + generator.standard_normal(shape)).astype(dtype)
    values[-1, ..., 0] = np.nan
    values[-1, ..., -1] = np.inf
    found = summarize(values)
    rows = values.reshape(len(values), -1).astype(np.float64)
    known = [row[np.isfinite(row)] for row in rows]
    np.testing.assert_array_equal(found.low, [row.min() for row in known])
    np.testing.assert_array_equal(found.high, [row.max() for row in known])
    np.testing.assert_allclose(found.mean, [row.mean() for row in known], rtol=1e-13)
    np.testing.assert_allclose(found.deviation, [row.var() * row.size for row in known], rtol=1e-10)
    np.testing.assert_array_equal(found.count, [row.size for row in known])
    np.testing.assert_array_equal(found.num_nan, np.isnan(rows).sum(1))
    np.testing.assert_array_equal(found.num_inf, np.isinf(rows).sum(1))


def test_a_frame_without_a_number_has_no_range() -> None:
    found = summarize(np.full((2, 4), np.nan, np.float32))
    assert found.low.tolist() == [np.inf, np.inf]
    assert found.high.tolist() == [-np.inf, -np.inf]
    assert found.count.tolist() == [0, 0]
