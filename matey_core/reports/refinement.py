"""Cells that a run's model cuts its stores into, as a figure of the page."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from matey_core.catalog import RunRecord
from matey_core.colors import colored
from matey_core.errors import MateyError
from matey_core.inference import fill_missing
from matey_core.locations import is_url
from matey_core.models import AdaptiveModel, load_model, tokenized
from matey_core.numbers import short
from matey_core.reports.axes import axes_of
from matey_core.reports.cells import Picture, picture_of
from matey_core.reports.html import Html, tag
from matey_core.reports.png import data_url, encoded
from matey_core.runs.folder import StoreRecord
from matey_core.store import Store, open_store
from matey_core.tokenizers import TOKENIZERS, grow, num_tokens

MOST_STORES = 12
MOST_OUTLINES = 4000
"""Cells that are outlined; beyond them the finest levels are left out."""
MOST_POINTS = 256
"""Pixels of a picture along an axis, at most about."""
UNKNOWN = (200, 200, 200)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refinement:
    """One frame of a store, and the cells that the model cuts it into."""

    store: str
    field: str
    sample: str
    frame: int
    tokens: int
    picture: Picture


def refinements(run: RunRecord, names: frozenset[str]) -> list[Refinement]:
    """Cut a frame of each store as the run's model does.

    Args:
        run: its model may be none, or have no tokens.
        names: of the run's own stores; those that are gone, changed or elsewhere are left out.
    """
    if run.model is None:
        return []
    try:
        model = tokenized(load_model(run.model.path))
    except MateyError:
        return []
    if model is None:
        return []
    records = [record for record in run.stores if record.name in names][:MOST_STORES]
    return [_cut(model, store, run.history or 1) for record in records for store in _opened(record)]


def _opened(record: StoreRecord) -> Iterator[Store]:
    """Give the store if it is here and as it was; no address is ever connected to."""
    if is_url(record.path) or not Path(record.path).is_dir():
        return
    try:
        store = open_store(Path(record.path))
        if store.fingerprint == record.fingerprint and not store.is_static:
            yield store
    except MateyError:
        return


def _cut(model: AdaptiveModel, store: Store, history: int) -> Refinement:
    """Choose the cells of the middle frame of the first trajectory that does not train."""
    history = min(history, store.num_frames)
    sample = (*store.samples("test"), *store.samples("validation"), 0)[0]
    frame = max(store.num_frames // 2, history - 1)
    values = store.read(sample, frame + 1 - history, frame + 1).astype(np.float32)
    window, _ = fill_missing(torch.from_numpy(values)[None])
    tokenizer = model.config.tokenization
    with torch.inference_mode():
        tree = grow(tokenizer, window, periodic=store.spec.grid.periodic, estimate=model.estimate)
    field = store.spec.fields[0]
    axes = axes_of(store.spec.grid.axes, store.coordinates, store.units)
    return Refinement(
        store=store.name,
        field=field.name,
        sample=store.sample_names[sample],
        frame=frame,
        tokens=int(num_tokens(TOKENIZERS[tokenizer.name](tree))),
        picture=picture_of(values[-1, 0], tree, axes=axes, unit=field.unit),
    )


def drawn(found: Refinement) -> Html:
    """Draw a field with the outlines of its cells, and a color bar."""
    picture = found.picture
    known = picture.values[np.isfinite(picture.values)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    unit = f" {picture.unit}" if picture.unit not in ("", "1") else ""
    cut = f", {picture.slice_of}" if picture.slice_of else ""
    *up, across = (axis.name for axis in picture.axes)
    ways = f"{across} to the right" + "".join(f", {axis} up" for axis in up)
    return tag(
        "figure",
        tag("figcaption", found.store),
        _plane(picture, low, high),
        tag("p", short(low), tag("i", class_="ramp"), f"{short(high)}{unit}", class_="bar"),
        tag(
            "p",
            f"{found.field}, sample {found.sample}, frame {found.frame}{cut}: "
            f"{found.tokens:,} tokens; {ways}",
            class_="note",
        ),
        class_="cells",
    )


def _plane(picture: Picture, low: float, high: float) -> Html:
    # The first row of an image is on top; a line is a stripe.
    planes = (picture.values.astype(np.float64), picture.cells, picture.levels)
    values, cells, levels = (np.atleast_2d(plane)[::-1] for plane in planes)
    rows, columns = values.shape
    # A stripe, or a very flat plane, is drawn higher than it is.
    height = max(columns * 0.12, rows)
    step = max(1, -(-max(values.shape) // MOST_POINTS))
    shown = values[::step, ::step]
    fractions = (shown - low) / (high - low) if high > low else np.full(shown.shape, 0.5)
    pixels = colored(np.nan_to_num(fractions))
    pixels[~np.isfinite(shown)] = UNKNOWN
    return tag(
        "svg",
        tag(
            "image",
            href=data_url(encoded(pixels)),
            width=columns,
            height=height,
            preserveAspectRatio="none",
        ),
        tag("path", d=_outlines(cells, levels, height / rows), class_="outline"),
        viewBox=f"0 0 {columns} {height:.6g}",
        role="img",
        aria_label="cells",
    )


def _outlines(cells: np.ndarray, levels: np.ndarray, stretch: float) -> str:
    """A rectangle around each cell, the coarsest first."""
    _, first, inverse = np.unique(cells, return_index=True, return_inverse=True)
    inverse = inverse.reshape(-1)
    rows, columns = (place.reshape(-1) for place in np.indices(cells.shape))
    bounds = []
    for place in (columns, rows):
        low, high = np.full(len(first), place.max()), np.zeros(len(first), dtype=int)
        np.minimum.at(low, inverse, place)
        np.maximum.at(high, inverse, place + 1)
        bounds += [low, high]
    order = np.argsort(levels.reshape(-1)[first], kind="stable")[:MOST_OUTLINES]
    return "".join(
        f"M{left} {top * stretch:.6g}H{right}V{bottom * stretch:.6g}H{left}Z"
        for left, right, top, bottom in np.stack(bounds, axis=1)[order].tolist()
    )
