"""What is masked, and how: a policy names types of personal values and what to do with each.

policy.yaml -> Policy

    about: our policy
    identifiers: {names: [PERSON], dates: [DATE, DATE_OF_BIRTH]}
    do: placeholder                 # for all of them
    actions: {DATE: generalise, PERSON: surrogate}
    fields: {note: {DATE: keep}, patient_name: drop}
    recognisers: [{entity: BED_NUMBER, patterns: ['B-\\d{3}']}]

Several policies act together; where they differ, what hides more wins. `placeholder` hides the value behind a typed,
numbered name; `hash` behind a keyed one; `surrogate` puts an invented value in its place; `generalise` leaves the year
of a date and "90+" of an age; `drop` leaves nothing; `keep` leaves the value.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from nichetune.core.errors import UserError
from nichetune.corpus.masking.custom import CustomRecogniser
from nichetune.corpus.masking.findings import ENTITIES

Action = Literal["keep", "generalise", "surrogate", "hash", "placeholder", "drop"]
# From what hides least to what hides most.
_STRENGTH: tuple[Action, ...] = ("keep", "generalise", "surrogate", "hash", "placeholder", "drop")
READY = ("hipaa-safe-harbor", "gdpr-direct", "secrets-only")
# What `nichetune mask` applies to a file without a project.
DEFAULT = ("hipaa-safe-harbor", "secrets-only")
_WHOLE_FIELD: tuple[Action, ...] = ("keep", "hash", "placeholder", "drop")
_CAN_GENERALISE = frozenset({"DATE", "DATE_OF_BIRTH", "AGE"})
_MOST_BYTES = 1_000_000


class PolicyFile(BaseModel):
    """A policy as it stands in YAML."""

    model_config = ConfigDict(extra="forbid")
    about: str = ""
    identifiers: dict[str, list[str]] = Field(default_factory=dict)
    do: Action = "placeholder"
    actions: dict[str, Action] = Field(default_factory=dict)
    fields: dict[str, Action | dict[str, Action]] = Field(default_factory=dict)
    recognisers: list[CustomRecogniser] = Field(default_factory=list)

    @model_validator(mode="after")
    def _names_known_types(self) -> PolicyFile:
        own = {one.entity for one in self.recognisers}
        named = {*self.actions, *(e for all_of in self.identifiers.values() for e in all_of)}
        by_field = [changes for changes in self.fields.values() if isinstance(changes, dict)]
        unknown = sorted((named | {e for changes in by_field for e in changes}) - ENTITIES.keys() - own)
        if unknown:
            raise ValueError(f"unknown type {unknown[0]}; known: {', '.join([*ENTITIES, *sorted(own)])}")
        vague = [e for changes in (self.actions, *by_field) for e, do in changes.items() if do == "generalise"]
        if self.do == "generalise" or not _CAN_GENERALISE.issuperset(vague):
            raise ValueError(f"generalise is for {', '.join(sorted(_CAN_GENERALISE))}")
        odd = [name for name, do in self.fields.items() if isinstance(do, str) and do not in _WHOLE_FIELD]
        if odd:
            raise ValueError(f"fields.{odd[0]}: a whole field takes {', '.join(_WHOLE_FIELD)}")
        if not (self.identifiers or self.actions or self.fields or self.recognisers):
            raise ValueError("masks nothing: give identifiers, actions, fields or recognisers")
        return self


@dataclass(frozen=True)
class Policy:
    """Policies put together.

    Attributes:
        actions: by type; a type left out is kept.
        fields: by a record's field: one action for its whole value, or other actions by type for its text.
        recognisers: the user's own.
    """

    names: tuple[str, ...] = ()
    actions: Mapping[str, Action] = field(default_factory=dict)
    fields: Mapping[str, Action | Mapping[str, Action]] = field(default_factory=dict)
    recognisers: tuple[CustomRecogniser, ...] = ()

    def action(self, entity: str, field_name: str = "") -> Action:
        """What to do with a type, in a field if its name is given."""
        changes = self.fields.get(field_name, {})
        changed = changes.get(entity) if isinstance(changes, Mapping) else None
        return changed or self.actions.get(entity, "keep")

    def with_placeholders(self) -> Policy:
        """The same types in the same fields, all hidden behind placeholders."""
        by_field = {n: do if isinstance(do, str) else _hide_all(do) for n, do in self.fields.items()}
        return replace(self, actions=_hide_all(self.actions), fields=by_field)

    @property
    def needs_key(self) -> bool:
        """Whether an action derives values from a key."""
        used = {*self.actions.values()}
        for changes in self.fields.values():
            used |= set(changes.values()) if isinstance(changes, Mapping) else {changes}
        return bool(used & {"hash", "surrogate"})


def _hide_all(actions: Mapping[str, Action]) -> dict[str, Action]:
    return {entity: "keep" if do == "keep" else "placeholder" for entity, do in actions.items()}


def load_policy(names: Sequence[str], folder: Path | None = None) -> Policy:
    """The named policies together.

    Args:
        names: ready policies by name, or YAML files (relative to `folder`).

    Raises:
        UserError: no such policy, or one that is not well formed.
    """
    files = [_read_policy(name, folder) for name in names]
    actions: dict[str, Action] = {}
    fields: dict[str, Action | Mapping[str, Action]] = {}
    for one in files:
        own = {e: one.do for all_of in one.identifiers.values() for e in all_of}
        own |= {r.entity: one.do for r in one.recognisers} | one.actions
        for entity, do in own.items():
            actions[entity] = max(actions.get(entity, "keep"), do, key=_STRENGTH.index)
        fields |= one.fields
    return Policy(tuple(names), actions, fields, tuple(r for one in files for r in one.recognisers))


def _read_policy(name: str, folder: Path | None) -> PolicyFile:
    if name in READY:
        text = (importlib.resources.files("nichetune.corpus.masking") / "policies" / f"{name}.yaml").read_text(
            encoding="utf-8"
        )
    else:
        text = _read_file(name, folder)
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
        raise UserError(f"{name}:{line}: not YAML") from None
    try:
        return PolicyFile.model_validate(value or {})
    except ValidationError as error:
        raise UserError(f"{name}: {_tell(error)}") from None


def _tell(error: ValidationError) -> str:
    """The first mistake with its place, in the words of the YAML file."""
    first = error.errors(include_url=False, include_input=False)[0]
    # Of a choice between forms pydantic names the form, too: "literal[…]", "dict[…]".
    place = ".".join(str(part) for part in first["loc"] if "[" not in str(part))
    said = first["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    for form, word in ((" or instance of PolicyFile", ""), ("dictionary", "mapping"), ("tuple", "list")):
        said = said.replace(form, word)
    return f"{place}: {said}" if place else said


def _read_file(name: str, folder: Path | None) -> str:
    path = (folder or Path()) / name
    if not path.is_file():
        raise UserError(f"no such policy: {name}: give {', '.join(READY)}, or a YAML file")
    if path.stat().st_size > _MOST_BYTES:
        raise UserError(f"{name}: too large for a policy")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{name}: not UTF-8 text") from None
