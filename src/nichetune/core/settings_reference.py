"""The reference page of all settings, made from the settings models themselves, so that it cannot disagree.

python -m nichetune.core.settings_reference > docs/settings.md
"""

from __future__ import annotations

import json
import types
import typing
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from nichetune.core import settings as models


def render_reference() -> str:
    """The page, in Markdown."""
    parts = ["# Settings", "", "Every key of `nichetune.yaml`; an unknown one is refused with its line and its nearest",
             "neighbour. Any key can be set from the command line: `--set train.learning_rate=1e-4`.", ""]  # fmt: skip
    parts += _section("nichetune.yaml", models.Settings)
    for key, field in models.Settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            parts += _section(key, field.annotation)
    parts += _section("sources[]", models.SourceSettings)
    parts += _section("tasks.NAME", models.TaskSettings)
    parts += _section("tasks.NAME.fields.NAME", models.FieldSettings)
    parts += _section("tasks.NAME.abstain", models.AbstainSettings)
    parts += _section("sweep.space.KEY", models.RangeSettings)
    parts += _section("remote.NAME", models.RemoteSettings)
    return "\n".join(parts).rstrip() + "\n"


def _section(title: str, model: type[BaseModel]) -> list[str]:
    about = " ".join((model.__doc__ or "").split())
    rows = [_row(field.alias or key, field) for key, field in model.model_fields.items()]
    return [f"## {title}", "", about, "", "| key | type | default | meaning |", "|---|---|---|---|", *rows, ""]


def _row(key: str, field: Any) -> str:
    meaning = (field.description or "See its own section.").replace("|", "\\|")
    return f"| `{key}` | {_type_name(field.annotation)} | {_default(field)} | {meaning} |"


def _type_name(annotation: Any) -> str:
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return " / ".join(str(a) for a in inner)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_type_name(a) for a in inner if a is not type(None))
    if origin is typing.Annotated:
        return _type_name(inner[0])
    if origin is list:
        return f"list of {_type_name(inner[0])}"
    if origin is dict:
        return f"mapping to {_type_name(inner[1])}"
    names = {str: "text", int: "whole number", float: "number", bool: "true / false"}
    return names.get(annotation, "section")


def _default(field: Any) -> str:
    if field.is_required():
        return "**needed**"
    value = field.default if field.default is not PydanticUndefined else field.default_factory()
    if isinstance(value, BaseModel):
        return ""
    return "none" if value is None else f"`{json.dumps(value)}`"


if __name__ == "__main__":
    print(render_reference(), end="")
