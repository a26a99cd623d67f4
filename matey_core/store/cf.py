"""Attributes of the CF conventions: what other programs know axes and fields by."""

CONVENTIONS = "CF-1.11"
_AXES = {"x": "X", "y": "Y", "z": "Z", "time": "T"}
_BY_UNIT = {"degrees_north": "latitude", "degrees_east": "longitude"}


def axis_attributes(name: str, unit: str = "") -> dict[str, str]:
    """Say along which axis a coordinate lies, and what CF calls it, as far as that is known.

    Args:
        name: of the coordinate.
        unit: degrees tell latitudes and longitudes.
    """
    standard_name = "time" if name == "time" else _BY_UNIT.get(unit, "")
    found = {"axis": _AXES.get(name, ""), "standard_name": standard_name}
    return {key: value for key, value in found.items() if value}


def field_attributes(name: str, standard_name: str = "") -> dict[str, str]:
    """Name a field for people, and as CF does where the source says it."""
    known = {"standard_name": standard_name} if standard_name else {}
    return {"long_name": name.replace("_", " "), **known}
