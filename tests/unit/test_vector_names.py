"""Names of components as programs of the field write them, and names that only look so."""

import numpy as np
import pytest

from matey_core.fields import Field
from matey_core.quantities import known_field, known_fields, look_alikes
from matey_core.quantities.units import is_rate, is_speed


def components(names: str, unit: str = "", **standard_names: str) -> dict[str, str]:
    split = names.split()
    fields = known_fields(split, units=dict.fromkeys(split, unit), standard_names=standard_names)
    return {field.name: "".join(field.component) for field in fields if field.component}


@pytest.mark.parametrize(
    "names",
    [
        "U10 V10",  # WRF, ERA5
        "u10m v10m",
        "10u 10v",  # GRIB
        "u850 v850",
        "u_500 v_500",
        "10m_u_component_of_wind 10m_v_component_of_wind",  # WeatherBench 2
        "u_component_of_wind_500 v_component_of_wind_500",
        "ugrd10m vgrd10m",
        "UGRD VGRD",
        "ua va wa",  # CMIP
        "uas vas",
        "uo vo wo",
        "uice vice",
        "ubar vbar",  # ROMS
        "sustr svstr",
        "sozocrtx somecrty",  # NEMO, at the surface
        "sozotaux sometauy",
        "UVEL VVEL WVEL",  # MITgcm
        "water_u water_v",  # HYCOM
        "wind_u wind_v",
        "wind_u_10m wind_v_10m",
        "velocity_u velocity_v velocity_w",
        "u_eastward v_northward",
        "zonal_wind meridional_wind",
        "eastward_current northward_current",
        "tauu tauv",
        "rhou rhov rhow",
        "hu hv",  # shallow water
        "ux uy uz",  # lattice Boltzmann
        "u.x u.y",  # Basilisk
        "U:x U:y",
        "velx vely velz",  # FLASH
        "x-velocity y-velocity z-velocity",  # Enzo
        "x_velocity y_velocity",  # AMReX
        "xvel yvel",
        "xmom ymom zmom",
        "Velocity.X Velocity.Y",
        "wind_x_10m wind_y_10m",
        "vel1 vel2 vel3",  # Athena++
        "mom1 mom2",
        "velocity_1 velocity_2",
        "taux tauy",
        "q.x q.y q.z",
    ],
)
def test_usual_names_of_components(names: str) -> None:
    found = components(names)
    assert list(found) == names.split()
    assert "".join(found.values()) == "xyz"[: len(found)]
    assert len({field.quantity for field in known_fields(names.split())}) == 1
    assert not look_alikes(known_fields(names.split()))


@pytest.mark.parametrize(
    "names", ["bcc1", "bcc1 bcc2 bcc3", "x_vorticity", "vertical_vorticity", "mag_1 mag_2"]
)
def test_pseudovectors_stay_such(names: str) -> None:
    for field in known_fields(names.split()):
        assert field.is_pseudo
        assert len(field.component) == 1


def test_winds_at_several_levels_are_vectors_of_their_own() -> None:
    fields = known_fields(["u10", "v10", "u100", "v100", "u", "v", "t"])
    quantities = [field.quantity for field in fields]
    assert quantities[0] == quantities[1] != quantities[2] == quantities[3]
    assert len(set(quantities)) == 4


@pytest.mark.parametrize("unit", ["m/s", "m s-1", "m/sec", "meter second-1", "m s^-1", "km/h"])
@pytest.mark.parametrize("names", ["u v", "U V W", "us vs", "u_surf v_surf", "u_mean v_mean"])
def test_a_speed_tells(names: str, unit: str) -> None:
    assert list(components(names, unit)) == names.split()


@pytest.mark.parametrize(
    ("unit", "speed"),
    [
        *((unit, True) for unit in ("m/s", "m s**-1", "m.s-1", "m·s⁻¹", "cm/s", "knots", "m/sec")),
        *((unit, True) for unit in ("metre second-1", "meters per second", "m s^{-1}", "ms-1")),
        *((unit, True) for unit in ("meter/second", "km h-1", "mph", "m d-1")),
        *((unit, False) for unit in ("", "1", "ms", "m", "m s", "m2 s-1", "m s-2", "mol/m3", "K")),
        *((unit, False) for unit in ("kg m-2 s-1", "s-1", "Pa s-1", "m/s2")),
    ],
)
def test_units_of_speeds(unit: str, speed: bool) -> None:
    assert is_speed(unit) == speed


def test_a_vorticity_is_told_by_its_unit() -> None:
    assert is_rate("s**-1")
    assert not is_rate("s")
    assert known_field("vo", unit="s**-1").is_pseudo
    assert not known_field("vo", unit="m s-1").is_pseudo
    assert known_field("relative_vorticity").is_pseudo
    assert not known_field("omega", unit="Pa s-1").is_pseudo


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("eastward_wind", "northward_wind"),
        ("x_wind", "y_wind"),
        ("sea_water_x_velocity", "sea_water_y_velocity"),
        ("eastward_sea_water_velocity", "northward_sea_water_velocity"),
        ("surface_downward_eastward_stress", "surface_downward_northward_stress"),
        ("sea_ice_x_velocity", "sea_ice_y_velocity"),
    ],
)
def test_standard_names_tell_whatever_the_name(first: str, second: str) -> None:
    names = ("a", "b")
    fields = known_fields(names, standard_names={"a": first, "b": second})
    assert [field.component for field in fields] == [("x",), ("y",)]
    assert fields[0].quantity == fields[1].quantity not in names


@pytest.mark.parametrize(
    "standard_name", ["", "air_temperature", "wind_speed", "product_of_x_wind_and_y_wind", "x"]
)
def test_other_standard_names_are_scalars(standard_name: str) -> None:
    assert not components("a", a=standard_name)


@pytest.mark.parametrize(
    "names",
    [
        "u v",
        "qx qy",
        "u0 u1",
        "u0 u1 u2 u3",
        "u0 u1 u2 u3 u4 u5 u6 u7 u8 u9 u10 u11",
        "b1 b2",
        "flux_1 flux_2",
        "force1 force2 force3",
        "F1 F2",
        "data0 data1 data2",
        "channel_0 channel_1",
        "disp_1 disp_2",
        "u_1 v_1",
        "um vm",
        "x_q y_q",
        "vel0 vel1",
        "velocity_r velocity_theta",
        "vr vtheta vphi",
    ],
)
def test_what_only_looks_like_a_vector_is_said(names: str) -> None:
    fields = known_fields(names.split())
    assert not any(field.component for field in fields)
    assert {name for group in look_alikes(fields) for name in group} == set(names.split())


def test_derivatives_of_a_velocity_are_no_velocity() -> None:
    fields = known_fields(["u.x", "u.y", "v.x", "v.y"])
    assert ("u.x", "u.y") in look_alikes(fields)


@pytest.mark.parametrize(
    "names",
    [
        "density pressure",
        "max min flux flow",
        "species_1 species_2 species_3",
        "c1 c2",
        "tracer_10 tracer_20",
        "us ws",
        "qv qw",
        "pv pw",
        "activator inhibitor",
        "T2 Q2 PSFC",
        "geopotential temperature humidity",
        "sv sw",
    ],
)
def test_scalars_stay_scalars(names: str) -> None:
    for unit in ("", "m/s"):
        split = names.split()
        fields = known_fields(split, units=dict.fromkeys(split, unit))
        assert not any(field.component for field in fields)
        assert look_alikes(fields) == ()


@pytest.mark.parametrize(
    ("names", "line", "plane"),
    [
        ("u", "u", ""),
        ("V", "V", ""),
        ("rho u p", "u", "u"),
        ("h hu", "hu", ""),
        ("velocity", "velocity", ""),
        ("h q", "q", ""),
        ("rho m E", "m", ""),
        ("q m", "", ""),
        ("u_x v_x w", "w", ""),
        ("u v", "u v", "u v"),
        ("w theta", "w", "w"),
        ("reactant solution E mu", "", ""),
        ("velocity_x uwnd density", "", ""),
    ],
)
def test_one_axis_has_one_component(names: str, line: str, plane: str) -> None:
    fields = known_fields(names.split())
    for axes, said in ((1, line), (2, plane), (3, plane)):
        assert [name for group in look_alikes(fields, axes=axes) for name in group] == said.split()
    assert not look_alikes([Field(name=f.name, vector=f.name) for f in fields], axes=1)


def test_units_part_what_names_join() -> None:
    fields = known_fields(["uq", "vq"], units={"uq": "K", "vq": "m"})
    assert not look_alikes(fields)


def test_who_said_so_is_believed() -> None:
    u, v = (Field(name=name, vector=name) for name in "uv")
    assert not look_alikes([u, v])
    assert (u.quantity, v.quantity) == ("u", "v")


def test_stores_of_earlier_versions_are_looked_at_again() -> None:
    old = [Field(name=name) for name in ("U10", "V10", "T2")]
    assert look_alikes(old) == (("U10", "V10"),)


def test_mirrors_know_the_sign() -> None:
    for name, axis in (("x_velocity", "x"), ("vvelocity", "y"), ("v_component_of_wind", "y")):
        signs = [known_field(name).reflection_sign(other) for other in "xyz"]
        np.testing.assert_array_equal(signs, [-1 if other == axis else 1 for other in "xyz"])
