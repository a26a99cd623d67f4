"""What CF standard names tell of components, such as `sea_water_x_velocity`."""

from matey_core.quantities.spelling import AXES

DIRECTIONS = AXES["axis"] | {"eastward": "x", "northward": "y"}
UPWARD = {"upward": "z"}
"""Of a velocity; an upward flux is a number for every point of the ground."""
VELOCITIES = {"wind", "air_velocity"}
"""They are components of one vector: `x_wind` and `upward_air_velocity`."""


def component_of(standard_name: str) -> tuple[str, str] | None:
    """Return the vector and the axis; None for a scalar, or what tells of two directions."""
    words = standard_name.lower().split()[0].split("_") if standard_name.strip() else []
    known = DIRECTIONS | (UPWARD if words[-1:] == ["velocity"] else {})
    places = [place for place, word in enumerate(words) if word in known]
    if len(places) != 1 or "coordinate" in words or len(words) == 1:
        return None
    (place,) = places
    rest = "_".join(words[:place] + words[place + 1 :])
    return "velocity" if rest in VELOCITIES else rest, known[words[place]]


def is_vorticity(standard_name: str) -> bool:
    """Whether it is that of the component of a vorticity across the plane."""
    return standard_name.strip().lower().endswith("_vorticity")
