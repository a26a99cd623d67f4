"""What names say about fields: components, signs, bounds."""

import numpy as np
import pytest

from matey_core.fields import Field
from matey_core.quantities import known_field, known_fields
from matey_core.store import layout


@pytest.mark.parametrize(
    ("name", "quantity", "component"),
    [
        ("velocity_x", "velocity", "x"),
        ("Vx", "velocity", "x"),
        ("v_y", "velocity", "y"),
        ("uwnd", "velocity", "x"),
        ("WWND", "velocity", "z"),
        ("northward_wind", "velocity", "y"),
        ("rhou", "momentum", "x"),
        ("Bz", "magnetic_field", "z"),
        ("force_x", "force", "x"),
        ("tau_xy", "stress", "xy"),
        ("strain_rate_yy", "strain_rate", "yy"),
        ("tau_x", "tau_x", ""),
        ("density", "density", ""),
        ("tracer", "tracer", ""),
        ("sea_ice", "sea_ice", ""),
    ],
)
def test_names_tell_what_is_a_component_of_what(name: str, quantity: str, component: str) -> None:
    field = known_field(name, unit="any")
    assert (field.name, field.unit) == (name, "any")
    assert (field.quantity, "".join(field.component)) == (quantity, component)


def test_a_plain_spelling_is_a_plain_field() -> None:
    assert known_field("velocity_x") == Field(name="velocity_x", component=("x",))
    assert known_field("density") == Field(name="density", bounds=(0.0, None))


@pytest.mark.parametrize(
    ("name", "signs"),
    [
        ("density", (1, 1, 1)),
        ("Vx", (-1, 1, 1)),
        ("stress_xx", (1, 1, 1)),
        ("stress_xy", (-1, -1, 1)),
        ("vorticity", (-1, -1, -1)),
        ("vorticity_x", (1, -1, -1)),
        ("vorticity_z", (-1, -1, 1)),
        ("By", (-1, 1, -1)),
    ],
)
def test_signs_under_reflection(name: str, signs: tuple[int, ...]) -> None:
    assert tuple(known_field(name).reflection_sign(axis) for axis in "xyz") == signs


def test_a_pseudovector_has_the_signs_of_a_cross_product() -> None:
    a, b = np.array([1.0, 2.0, 3.0]), np.array([-2.0, 0.5, 4.0])
    for axis, name in enumerate("xyz"):
        mirror = np.where(np.arange(3) == axis, -1, 1)
        signs = [known_field(f"vorticity_{part}").reflection_sign(name) for part in "xyz"]
        np.testing.assert_array_equal(np.cross(a * mirror, b * mirror), signs * np.cross(a, b))


def test_bounds_come_with_full_names_and_kelvins_only() -> None:
    for name in ("dens", "rho", "theta", "pressure", "height", "temperature"):
        assert known_field(name).bounds == (None, None)
    assert known_field("potential_temperature", unit="K").bounds == (0.0, None)
    assert known_field("temperature", unit="degC").bounds == (None, None)
    assert known_field("volume_fraction").bounds == (0.0, 1.0)


def test_u_and_v_are_velocities_in_a_flow_only() -> None:
    assert [field.component for field in known_fields(["u", "v"])] == [(), ()]
    assert [field.component for field in known_fields(["u", "v", "p"])] == [("x",), ("y",), ()]
    assert [field.component for field in known_fields(["U", "W", "T"])] == [("x",), ("z",), ()]
    assert [field.component for field in known_fields(["u", "p"])] == [(), ()]
    units = {"u": "m s**-1", "v": "m/s"}
    wind = known_fields(["u", "v"], units=units)
    assert [field.quantity for field in wind] == ["velocity", "velocity"]
    assert [field.unit for field in wind] == ["m s**-1", "m/s"]
    assert known_field("u", unit="ms").component == ()


def test_unknown_names_that_share_a_stem_are_a_vector() -> None:
    fields = known_fields(["q_x", "q_y", "r_x", "s_xx", "s_xy"])
    assert [field.component for field in fields] == [
        ("x",),
        ("y",),
        (),
        ("x", "x"),
        ("x", "y"),
    ]
    assert [field.quantity for field in fields] == ["q", "q", "r_x", "s", "s"]


@pytest.mark.parametrize("name", ["Vx", "velocity_x", "stress_xy", "vorticity", "density", "v"])
def test_a_store_keeps_it_all(name: str) -> None:
    field = known_field(name, unit="m/s")
    described = layout.describe(field, is_static=False, statistics={}, missing=0)
    assert layout.field_of(described) == field
    described.pop("vector")
    assert layout.field_of(described).name == name
