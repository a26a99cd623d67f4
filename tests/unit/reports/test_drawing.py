"""Curves, numbers and pictures of the page."""

import io
import math
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from matey_cli import sketches
from matey_core.errors import MateyWarning
from matey_core.numbers import duration, short
from matey_core.reports.animation import animate, film_name
from matey_core.reports.axes import Axis, proportion, upright
from matey_core.reports.chart import Curve, chart, nice_step
from matey_core.reports.history import BUCKETS, bucketed
from matey_core.reports.html import Html, tag
from matey_core.reports.limits import highest_shown
from matey_core.reports.png import encoded
from matey_core.reports.shown import Shown, moment


def test_a_png_holds_the_pixels() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    with Image.open(io.BytesIO(encoded(pixels))) as image:
        assert np.array_equal(np.asarray(image), pixels)


def test_long_curves_become_means_and_spans() -> None:
    steps = list(range(1, 10 * BUCKETS + 1))
    line, band = bucketed(steps, [float(step % 10) for step in steps])
    assert len(line) == len(band) == BUCKETS
    assert line[0] == (5.5, 4.5)
    assert band[0] == (5.5, 0.0, 9.0)
    assert bucketed([1, 2, 3], [1.0, math.nan, 3.0]) == ([(1, 1.0), (3, 3.0)], [])


def test_a_chart_is_logarithmic_and_leaves_out_what_it_cannot_show() -> None:
    curve = Curve(name="loss", points=[(0, 1.0), (50, math.nan), (75, 0.0), (100, 0.01)])
    drawn = chart("flow", [curve], across="step")
    assert drawn is not None
    (line,) = [part for part in drawn.split("<") if part.startswith("polyline")]
    (first, last) = line.split('"')[1].split()
    assert first.split(",")[0] == "0.0"
    assert last.split(",")[0] == "1000.0"
    assert float(first.split(",")[1]) == pytest.approx(1000 * 0.04 / 1.08, abs=0.2)
    assert float(last.split(",")[1]) == pytest.approx(1000 * 1.04 / 1.08, abs=0.2)
    assert chart("flow", [Curve(name="loss", points=[(1, math.inf)])], across="step") is None


def test_times_of_days_are_readable() -> None:
    moments = [moment(*each) for each in ((86400.0, "s"), (0.2, "1"), (80.2087, "s"), (2e9, ""))]
    assert moments == ["86,400 s", "0.2", "80.21 s", "2e+09"]


def test_north_is_up_however_a_store_has_it() -> None:
    plane = np.arange(6.0).reshape(2, 3)
    north = Axis(name="latitude", unit="degrees_north", positions=np.array([45.0, -45.0]))
    east = Axis(name="longitude", unit="degrees_east", positions=np.array([0.0, 120.0, 240.0]))
    axes, (turned,) = upright((north, east), plane)
    assert axes[0].edges == (-90, 90)
    assert (axes[1].edges, axes[1].label) == (east.edges, "longitude [°E]")
    assert proportion(*axes) == 0.5
    np.testing.assert_array_equal(turned, [[3, 4, 5], [0, 1, 2]])


def test_a_forecast_that_blows_up_does_not_press_the_others_flat() -> None:
    assert highest_shown([0.1, math.inf], [0.02, 0.5]) == pytest.approx(5.0)
    assert highest_shown([0.0, math.nan]) is None


def test_one_value_has_a_chart() -> None:
    drawn = chart("flow", [Curve(name="loss", points=[(4, 0.3)])], across="step", level=0.3)
    assert drawn is not None
    assert "nan" not in drawn
    assert drawn.count("mark") == 1


def test_text_is_escaped_once() -> None:
    assert tag("p", "a < b", tag("b", "&"), None, 2) == "<p>a &lt; b<b>&amp;</b>2</p>"
    assert tag("p", Html("<i>"), class_='"') == '<p class="&quot;"><i></p>'


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.1234, "0.123"), (1234.5, "1,234"), (12, "12"), (1e-7, "1.00e-07"), (math.inf, "∞")],
)
def test_numbers_are_short(value: float, written: str) -> None:
    assert short(value) == written


def test_time_spans_and_steps_are_round() -> None:
    spans = [duration(each) for each in (0, 2.3e-4, 0.268, 12, 185, 7800)]
    assert spans == ["0 s", "0.230 ms", "268 ms", "12.0 s", "3 min 05 s", "2 h 10 min"]
    assert [nice_step(span, 4) for span in (3, 4, 10, 70)] == [1, 1, 5, 20]


def test_films_keep_proportions_and_the_colors_of_small_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = np.zeros((1, 20, 40), dtype=np.float32)
    prediction = truth.copy()
    prediction[0, 4, 9] = 1.0
    z, x = (
        Axis(name=name, unit="m", positions=np.arange(points) + 0.5)
        for name, points in (("z", 20), ("x", 40))
    )
    assert (proportion(z, x), proportion(x, z)) == (0.5, 2.0)
    shown = Shown(
        field="T",
        unit="K",
        sample="0",
        leads=(1,),
        times=(0.1,),
        time_unit="s",
        axes=(z, x),
        slice_of="",
        prediction=prediction,
        truth=truth,
        num_known=1,
    )
    (tmp_path / "ffmpeg").write_text("#!/bin/sh\nexit 127\n")
    (tmp_path / "ffmpeg").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert film_name(tmp_path / "film.zarr") == tmp_path / "film.mp4"
    with pytest.warns(MateyWarning, match=r"film\.gif: ffmpeg failed with exit code 127"):
        assert animate("store", shown, tmp_path / "film.mp4") == tmp_path / "film.gif"
    assert {path.name for path in tmp_path.iterdir()} == {"ffmpeg", "film.gif"}
    with Image.open(tmp_path / "film.gif") as film:
        assert film.size == (900, 180)
        colors = np.asarray(film.convert("RGB")).astype(int)
    red = colors[..., 0] - colors[..., 2]
    assert red[:, 640:840].max() > 60  # the one wrong cell, 1 of 800 of the error's panel


def test_planes_are_shown_with_x_across_and_the_other_axis_up() -> None:
    plane = np.arange(6).reshape(2, 3)
    assert sketches.upright(plane, ["z", "x"]).tolist() == [[3, 4, 5], [0, 1, 2]]
    assert sketches.upright(plane, ["x", "y"]).tolist() == [[2, 5], [1, 4], [0, 3]]
    assert [sketches.directions(axes) for axes in (["x"], ["z", "x"], ["x", "y"], ["y", "z"])] == [
        "x across",
        "z up, x across",
        "y up, x across",
        "y up, z across",
    ]
