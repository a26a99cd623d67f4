"""A JSON schema of settings, with which editors complete and check TOML files."""

from collections.abc import Mapping
from typing import Any

from matey_core.config._base import Config


def json_schema(kind: type[Config], *, title: str) -> dict[str, Any]:
    """Describe settings as a JSON schema, draft 2020-12.

    Args:
        kind: settings class.
        title: of the schema.
    """
    found = kind.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **without_references(found),
        "title": title,
    }


def without_references(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Put definitions in the place of references to them, so that a schema can stand in another."""
    definitions = schema.get("$defs", {})

    def filled(value: Any) -> Any:
        if isinstance(value, list):
            return [filled(each) for each in value]
        if not isinstance(value, Mapping):
            return value
        rest = {key: filled(each) for key, each in value.items() if key not in ("$ref", "$defs")}
        if "$ref" in value:
            return filled(definitions[value["$ref"].rpartition("/")[2]]) | rest
        return rest

    return filled(schema)
