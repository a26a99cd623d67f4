"""Where the run comes from: data, settings, versions."""

import json
from typing import Any

from matey_core.catalog import RunRecord
from matey_core.reports.html import Child, Html, tag


def data(run: RunRecord) -> Html:
    """Write what the model was trained on, in this run and those before."""
    stores = [
        tag(
            "article",
            tag("h3", store.name),
            _facts(
                ("fields", _fields(store.fields, store.units)),
                ("grid", _grid(store.axes, store.shape)),
                ("boundary", ", ".join(dict.fromkeys(store.boundary))),
                ("time step", store.time_step_in_words),
                ("trajectories", f"{len(store.samples):,}"),
                ("fingerprint", store.fingerprint),
                ("path", store.path),
            ),
        )
        for store in run.stores
    ]
    return tag("section", tag("h2", "Data"), tag("div", *stores, class_="stores"))


def settings(run: RunRecord) -> Html:
    """Write all settings by their path."""
    rows = [(path, _written(value)) for path, value in run.settings.items()]
    return tag("section", tag("h2", "Settings"), _facts(*rows, class_="facts columns"))


def versions(run: RunRecord) -> Html:
    """Write versions and the machine."""
    rows = [(name, _written(value)) for name, value in run.versions.items() if name != "command"]
    return tag("section", tag("h2", "Versions"), _facts(*rows, class_="facts columns"))


def _facts(*rows: tuple[str, str], class_: str = "facts") -> Html:
    pairs: list[Child] = [
        tag("div", tag("dt", name), tag("dd", value)) for name, value in rows if value
    ]
    return tag("dl", *pairs, class_=class_)


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _fields(names: tuple[str, ...], units: tuple[str, ...]) -> str:
    known = dict(zip(names, units, strict=False))
    return ", ".join(f"{name} [{known[name]}]" if known.get(name) else name for name in names)


def _grid(axes: tuple[str, ...], shape: tuple[int, ...]) -> str:
    sizes = " × ".join(map(str, shape))
    return f"{sizes} ({', '.join(axes)})" if axes else sizes
