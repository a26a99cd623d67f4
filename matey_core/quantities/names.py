"""Tables of names: vectors and their components, pseudoscalars, bounds.

Bounds come with full names only: `dens` and `theta` are perturbations in many files. Even a full
name has bounds only where every data set agrees: pressure is known up to a constant in
incompressible flow, a height may be a deviation.
"""

from dataclasses import dataclass

POSITIVE = (0.0, None)
FRACTION = (0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A vector or tensor and what its components are called: a stem, then the axes."""

    name: str
    stems: tuple[str, ...] = ()
    """Other stems than the name: `v` for `Vx` and `v_x`."""
    rank: int = 1
    is_pseudo: bool = False


TENSORS = (
    Quantity("velocity", ("vel", "v", "wind")),
    Quantity("momentum", ("mom",)),
    Quantity("vorticity", ("vort", "omega"), is_pseudo=True),
    Quantity("magnetic_field", ("b", "bcc", "mag", "magnetic"), is_pseudo=True),
    Quantity("electric_field", ("e", "electric")),
    Quantity("current_density", ("j", "current")),
    Quantity("angular_momentum", is_pseudo=True),
    Quantity("force", ("f", "forcing")),
    Quantity("acceleration"),
    Quantity("displacement", ("disp",)),
    Quantity("heat_flux"),
    Quantity("flux"),
    Quantity("gradient", ("grad",)),
    Quantity("orientation"),
    Quantity("stress", ("sigma", "tau"), rank=2),
    Quantity("reynolds_stress", rank=2),
    Quantity("polymer_stress", rank=2),
    Quantity("strain", ("epsilon",), rank=2),
    Quantity("strain_rate", rank=2),
    Quantity("velocity_gradient", rank=2),
    Quantity("deformation_gradient", rank=2),
    Quantity("conformation", rank=2),
)
COMPONENTS = {
    ("velocity", "x"): "uwnd uwind u_wind u_velocity u_component_of_wind eastward_wind vozocrtx "
    "sozocrtx",
    ("velocity", "y"): "vwnd vwind v_wind v_velocity v_component_of_wind northward_wind vomecrty "
    "somecrty",
    ("velocity", "z"): "wwnd wwind w_wind w_velocity vertical_velocity upward_air_velocity "
    "vovecrtz",
    ("momentum", "x"): "rhou rho_u",
    ("momentum", "y"): "rhov rho_v",
    ("momentum", "z"): "rhow rho_w",
    ("surface_stress", "x"): "sustr sozotaux",
    ("surface_stress", "y"): "svstr sometauy",
}
"""Names that do not end in their axis."""
PSEUDOSCALARS = {
    *("vorticity", "vort", "potential_vorticity", "streamfunction", "stream_function"),
    *("helicity", "circulation"),
}
"""In two dimensions, where what turns has one component, across the plane."""
BOUNDS: dict[str, tuple[float | None, float | None]] = {
    "density": POSITIVE,
    "air_density": POSITIVE,
    "speed": POSITIVE,
    "kinetic_energy": POSITIVE,
    "enstrophy": POSITIVE,
    "viscosity": POSITIVE,
    "permeability": POSITIVE,
    "diffusion_coefficient": POSITIVE,
    "specific_humidity": POSITIVE,
    "volume_fraction": FRACTION,
    "mass_fraction": FRACTION,
}
NAMED = {
    *("velocity", "vel", "speed", "psi", "phi", "omega", "energy", "enthalpy", "entropy", "stress"),
    *("solid", "mask", "obstacle", "sdf", "level_set", "phase", "alpha", "concentration", "conc"),
    *("nut", "nu_t", "nutilda", "tke", "epsilon", "humidity", "vapor", "momentum", "displacement"),
    *("viscosity", "geometry", "topography", "u_mean", "magnetic_field", "potential", "activator"),
    *("inhibitor",),
}
"""Names of fields that say nothing else."""
KELVIN = {"temperature", "air_temperature", "potential_temperature", "air_potential_temperature"}
"""At least 0 where the unit is K; without one they may be scaled, or in degrees."""
BUOYANT = {
    *("buoyancy", "theta", "geopotential", "geopotential_height", "potential_temperature"),
    *("air_potential_temperature", "virtual_potential_temperature"),
}
"""Fields of stratified fluids: there is gravity, along an axis that no name tells."""
VELOCITY_LETTERS = {"u": "x", "v": "y", "w": "z"}
WIND = {
    *("", "wnd", "wind", "velocity", "vel", "grd", "component_of_wind", "wind_component"),
    *("component_of_velocity", "velocity_component", "wind_speed", "flow"),
}
"""What stands beside `u`, `v` and `w`, or x, y and z, in names of the velocity."""
PAIRED = {
    *WIND,
    *("a", "as", "o", "os", "bar", "surface", "sfc", "component", "water", "sea_water"),
    *("current", "cur", "curr", "ocean_current", "geostrophic", "geos", "gos", "ice", "si", "i"),
    *("rho", "h", "tau", "tauo", "str", "stress", "wind_stress", "momentum", "mom", "mo"),
}
"""As `WIND`, but `ua` alone says nothing, while `ua` and `va` do."""
NUMBERED = {"velocity", "momentum", "magnetic_field", "electric_field"}
"""Vectors whose components are numbered: `vel1`, `mom1`, `bcc1`; species and layers are as well."""
LIKELY_NUMBERED = {
    *("u", "v", "b", "e", "f", "j", "flux", "force", "disp", "displacement", "current"),
    *("data", "field", "channel", "ch", "var", "tensor", "array", "arr", "values", "state"),
    *("input", "output", "solution", "sol"),
}
"""Stems whose numbers may be axes, but also layers, groups or species, and stems that say nothing:
the user is asked."""
AXIS_STEMS = {"u", "tau", "stress", "wind_stress"}
"""Stems of vectors beside those of `TENSORS`, if two components are there: `ux` and `uy`."""
TURNING = {"vo", "vor", "zeta", "omega", "curl", "rv", "vort_z", "curl_z"}
"""Vorticities where their unit is that of a rate: `vo` is a velocity in other files."""
LONE_MOMENTA = {"q", "m", "discharge", "mom"}
"""On a line, beside a height or a density."""
FLOW = {
    *("density", "dens", "rho", "pressure", "pres", "p", "temperature", "temp", "t", "theta"),
    *("potential_temperature", "height", "h", "eta", "depth", "vorticity", "vort", "buoyancy", "b"),
    *("salinity", "energy", "geopotential", "tracer"),
}
"""Names beside which `u`, `v` and `w` are velocities."""
WARM = ("temperature", "temp", "t", "theta", *sorted(KELVIN - {"temperature"}), "buoyancy", "b")
CARRIED = ("tracer", "concentration", "conc", "salinity", "humidity", "specific_humidity", "vapor")
ALIKE = (
    ("density", "dens", "rho", "air_density", "mass_density"),
    ("pressure", "pres", "p", "air_pressure"),
    ("height", "h", "eta", "depth", "water_height", "sea_surface_height"),
    ("vorticity", "vort", "vo", "zeta"),
    WARM,
    CARRIED,
    WARM + CARRIED,
)
"""Names of one quantity, or of quantities that flows treat alike, which come last."""
