"""What a finished command left behind, as plain values that can be compared."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import xarray
from safetensors import safe_open

NO_RESULTS = {
    # Times, machines and versions; the verdict of a study weighs times.
    *("seconds", "step_seconds", "step_spread", "threads", "versions", "date", "provenance"),
    *("peak_memory", "samples_per_second", "num_bytes", "machine", "precision_reason", "verdict"),
    # Places, and settings by name: what they lead to is compared instead.
    *("run", "path", "model", "out", "settings_of", "tokenizer", "config", "settings"),
    # Texts for people.
    *("note", "notes", "budget", "remedy"),
}


def document(text: str, keep: tuple[str, ...] = ()) -> Any:
    """A command's JSON document without what is no result.

    Args:
        text: what the command printed.
        keep: keys to keep, each a last key or `outer.key`; none for all that are results.
    """
    whole = json.loads(text)
    if not keep:
        return _results(whole)
    flat = flattened(whole)
    parts = {key: [part for part in key.split("/") if not part.isdigit()] for key in flat}
    wanted = [name.split(".") for name in keep]
    return {
        key: value
        for key, value in flat.items()
        if any(_contains(parts[key], names) for names in wanted)
    }


def _contains(parts: list[str], names: list[str]) -> bool:
    return any(parts[i : i + len(names)] == names for i in range(len(parts)))


def _results(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _results(part) for key, part in value.items() if key not in NO_RESULTS}
    if isinstance(value, list):
        return [_results(part) for part in value]
    return Path(value).name if isinstance(value, str) and "/" in value else value


def flattened(value: Any, prefix: str = "") -> dict[str, Any]:
    """Every plain value of nested lists and dicts, by the way that leads to it."""
    if isinstance(value, dict):
        items = [(str(key), part) for key, part in value.items()]
    elif isinstance(value, list):
        items = [(str(index), part) for index, part in enumerate(value)]
    else:
        return {prefix: value}
    flat: dict[str, Any] = {}
    for key, part in items:
        flat |= flattened(part, f"{prefix}/{key}" if prefix else key)
    return flat


def trained(run: Path) -> dict[str, Any]:
    """Weights, the last checkpoint's tensors, and what the journal says of every step."""
    last = run / "checkpoints" / (run / "checkpoints/last").read_text(encoding="utf-8").strip()
    lines = (run / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    # A resumed run may have taken some steps twice; the later ones count.
    steps = {row["step"]: row for row in rows if row["event"] == "step"}
    checks = {row["step"]: row for row in rows if row["event"] == "validation"}
    return {
        "weights": _tensors(run / "model/model.safetensors"),
        "last_weights": _tensors(last / "model/model.safetensors"),
        "last_state": _tensors(last / "state.safetensors"),
        "stores": [steps[step]["store"] for step in sorted(steps)],
        "losses": [steps[step]["loss"] for step in sorted(steps)],
        "gradient_norms": [steps[step]["gradient_norm"] for step in sorted(steps)],
        "learning_rates": [steps[step]["learning_rate"] for step in sorted(steps)],
        "validation_scores": [checks[step]["score"] for step in sorted(checks)],
    }


def _tensors(path: Path) -> dict[str, str | int]:
    """SHA-256 of a safetensors file: with the names of its tensors, and of their values alone."""
    named, values = [], []
    with safe_open(path, framework="pt") as file:
        for name in sorted(file.keys()):
            tensor = file.get_tensor(name)
            digest = hashlib.sha256(f"{tuple(tensor.shape)} {tensor.dtype}".encode())
            digest.update(tensor.contiguous().numpy().tobytes())
            values.append(digest.hexdigest())
            named.append(f"{name} {digest.hexdigest()}")
    return {"tensors": len(named), "named": _sha(named), "values": _sha(sorted(values))}


def _sha(lines: list[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def stores(folder: Path) -> dict[str, dict[str, str]]:
    """SHA-256 of each array of each Zarr store in a folder, as xarray reads them."""
    return {path.name: _arrays(path) for path in sorted(folder.glob("*.zarr"))}


def _arrays(path: Path) -> dict[str, str]:
    digests = {}
    with xarray.open_zarr(path, consolidated=False, decode_times=False) as dataset:
        for name in sorted(map(str, dataset.variables)):
            array = np.ascontiguousarray(dataset[name].values)
            text = f"{dataset[name].dims} {array.shape} {array.dtype}"
            content = array.tobytes() if array.dtype.kind != "O" else repr(array.tolist()).encode()
            digests[name] = hashlib.sha256(text.encode() + content).hexdigest()
    return digests
