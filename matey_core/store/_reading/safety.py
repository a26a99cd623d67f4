"""What an array of a store may be made of: reading it must run no program.

Zarr finds codecs and types by name among all installed packages, and one of them unpickles. So
only those are passed on to it that move, compress or check bytes.
"""

from collections.abc import Iterator, Mapping
from typing import Any

FORMAT = 3
CODECS = frozenset(
    {"blosc", "bytes", "crc32c", "gzip", "sharding_indexed", "transpose", "vlen-utf8", "zstd"}
)
TYPES = frozenset(
    {"bool", "string", "fixed_length_utf32", "float16", "float32", "float64"}
    | {f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)}
)


def check_format(described: Mapping[str, Any], what: str) -> None:
    """Refuse the metadata of any other version of Zarr.

    Raises:
        ValueError: they are.
    """
    if described.get("zarr_format") != FORMAT:
        raise ValueError(f"{what} has zarr_format {described.get('zarr_format')!r}, not {FORMAT}")


def check_type(described: Mapping[str, Any], name: str) -> None:
    """Refuse an array that holds neither numbers nor text.

    Raises:
        ValueError: it does.
        KeyError: the metadata lack its type.
    """
    dtype = _name(described["data_type"])
    if dtype not in TYPES:
        raise ValueError(f"{name} has the type {dtype}, which stores do not have")


def check_codecs(described: Mapping[str, Any], name: str) -> None:
    """Refuse an array whose codecs are not known to be harmless.

    Args:
        described: parsed JSON of an array.
        name: of the array.

    Raises:
        ValueError: it has another version or codec.
        KeyError: something lacks in the metadata.
        TypeError: something in them has another type.
    """
    check_format(described, name)
    for codec in _codecs(described["codecs"]):
        if codec not in CODECS:
            raise ValueError(
                f"{name} is encoded by {codec}; allowed are {', '.join(sorted(CODECS))}"
            )


def _codecs(found: Any) -> Iterator[str]:
    """Names of codecs, and of those inside shards."""
    if not isinstance(found, list):
        raise TypeError(f"{found!r} is no list of codecs")
    for codec in found:
        yield _name(codec)
        options = (codec.get("configuration") if isinstance(codec, Mapping) else None) or {}
        for key in ("codecs", "index_codecs"):
            if key in options:
                yield from _codecs(options[key])


def _name(found: Any) -> str:
    return found if isinstance(found, str) else str(found["name"])
