"""Policies say what is masked and how: ready ones, one's own, by field, with a key outside the project and a vault."""

from __future__ import annotations

import json
import re

import pytest
from corpus_tools import make_settings, read_lines
from corpus_tools import mask_records as mask_stage
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conftest import ROOT

from nichetune.core.errors import UserError
from nichetune.corpus.mask_file import MaskChoices, mask_file, restore_file
from nichetune.corpus.masker import Job, Search, mask_records
from nichetune.corpus.masking.findings import ENTITIES
from nichetune.corpus.masking.keys import load_key
from nichetune.corpus.masking.policy import DEFAULT, READY, load_policy

KEY = bytes(range(32))
NOTE = "Pt: Maria Keller, MRN 00482913, seen 3 May 2024. Maria Keller, aged 93, agreed. Call (503) 555-0140."


def mask_with(policy, text: str = NOTE, key: bytes = KEY, shared: bool = True) -> str:
    return mask_records([[Job(text)]], Search(policy=policy, processes=1), key, shared)[0][0].text


def write_policy(folder, text: str):
    (folder / "own.yaml").write_text(text, encoding="utf-8")
    return load_policy(["own.yaml"], folder)


def test_without_a_project_the_safe_harbour_and_secrets_are_masked():
    masked = mask_with(load_policy(DEFAULT), NOTE + " password=k3yXq9abcd")
    assert masked == (
        "Pt: [PERSON_1], MRN [MEDICAL_RECORD_1], seen [DATE_1]. [PERSON_1], aged [AGE_1], agreed. "
        "Call [PHONE_NUMBER_1]. password=[SECRET_1]"
    )


@pytest.mark.parametrize(
    "text",
    ["badge no. E-20418", "plate HKV 4471", "passport 725110943", "serial no. PJN7730142S", "seen 03/14/2024",
     "seen 2024-03-14", "on March 14, 2024", "since 14 Mar 2024", "VIN 1M8GDM9AXKP042788"],
)  # fmt: skip
def test_the_safe_harbour_takes_every_full_date_and_every_serial(text):
    value = text.split(" ", 1)[1].removeprefix("no. ")
    assert value not in mask_with(load_policy(DEFAULT), f"Note: {text}, all well.")


def test_the_safe_harbour_leaves_years_states_and_ages_up_to_89():
    text = "Retired in 2011, from Ohio, 89 years old, BP 120/80, 3 mg twice daily."
    assert mask_with(load_policy(DEFAULT), text) == text


def test_the_safe_harbour_names_all_eighteen_identifiers():
    import importlib.resources

    import yaml

    text = (importlib.resources.files("nichetune.corpus.masking") / "policies" / "hipaa-safe-harbor.yaml").read_text()
    identifiers = yaml.safe_load(text)["identifiers"]
    assert [name[0] for name in identifiers] == list("ABCDEFGHIJKLMNOPQR")


@pytest.mark.parametrize("name", READY)
def test_every_ready_policy_names_known_types_only(name):
    assert set(load_policy([name]).actions) <= ENTITIES.keys()


def test_each_action_does_what_it_says(tmp_path):
    policy = write_policy(
        tmp_path,
        "identifiers: {all: [PERSON, MEDICAL_RECORD, DATE, AGE, PHONE_NUMBER]}\n"
        "actions: {PERSON: surrogate, MEDICAL_RECORD: hash, DATE: generalise, AGE: generalise, PHONE_NUMBER: drop}\n",
    )
    masked = mask_with(policy)
    found = re.fullmatch(
        r"Pt: (\w+ \w+), MRN \[MEDICAL_RECORD_h[0-9a-f]{12}\], seen 2024\. (\w+ \w+), aged 90\+, agreed\. Call \.",
        masked,
    )
    assert found and found[1] == found[2]
    assert "Maria" not in masked and "Keller" not in masked


def test_a_person_keeps_a_surrogate_in_all_records_or_gets_one_in_each(tmp_path):
    policy = write_policy(tmp_path, "actions: {PERSON: hash}\n")
    first, second = (f"Met Mrs. Julia Welch {where}." for where in ("at noon", "in the hall"))
    values = [re.search(r"_h(\w+)", mask_with(policy, text))[1] for text in (first, second)]
    assert values[0] == values[1]
    apart = [re.search(r"_h(\w+)", mask_with(policy, text, shared=False))[1] for text in (first, second)]
    assert apart[0] != apart[1]
    assert mask_with(policy, first, bytes(32)) != mask_with(policy, first)


def test_where_policies_differ_what_hides_more_wins(tmp_path):
    (tmp_path / "own.yaml").write_text("actions: {DATE: keep, PERSON: drop}\n")
    policy = load_policy(["own.yaml", "hipaa-safe-harbor"], tmp_path)
    assert policy.action("DATE") == "placeholder"
    assert policy.action("PERSON") == "drop"


def test_the_users_own_recognisers_find_by_pattern_context_check_and_list(tmp_path):
    policy = write_policy(
        tmp_path,
        "recognisers:\n"
        "- {entity: BED, patterns: ['B-\\d{3}'], context: [bed, ward]}\n"
        "- {entity: LOYALTY, patterns: ['\\d{4}-\\d{4}-\\d{4}-\\d{4}'], validator: luhn}\n"
        "- {entity: PROJECT, deny: [Blue Heron]}\n",
    )
    text = (
        "Moved to bed B-104, far from any such word, in a note, B-105. "
        "4111-1111-1111-1111, 4111-1111-1111-1112. Ask blue heron."
    )
    assert mask_with(policy, text) == (
        "Moved to bed [BED_1], far from any such word, in a note, B-105. "
        "[LOYALTY_1], 4111-1111-1111-1112. Ask [PROJECT_1]."
    )


def test_a_policy_may_treat_fields_apart(tmp_path):
    (tmp_path / "own.yaml").write_text(
        "actions: {PERSON: placeholder}\n"
        "fields: {patient: drop, chart: placeholder, remark: {PERSON: placeholder}, text: {PERSON: keep}}\n"
    )
    line = {
        "text": "Dr. Olivia Chen wrote.",
        "patient": "Maria Keller",
        "chart": "991",
        "remark": "Ask Mrs. Julia Welch.",
        "n": 1,
    }
    (tmp_path / "in.jsonl").write_text(json.dumps(line) + "\n")
    mask_file(tmp_path / "in.jsonl", tmp_path / "out.jsonl", MaskChoices(policy=[str(tmp_path / "own.yaml")]))
    assert read_lines(tmp_path / "out.jsonl") == [
        {"text": "Dr. Olivia Chen wrote.", "chart": "[CHART]", "remark": "Ask Mrs. [PERSON_1].", "n": 1, "entities": []}
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("actions: {PERSN: keep}", "unknown type PERSN"),
        ("actions: {PERSON: hide}", "actions.PERSON"),
        ("actions: {PERSON: generalise}", "generalise is for"),
        ("acts: {}", "acts"),
        ("recognisers: [{entity: X, patterns: ['(']}]", "not a regular expression"),
        ("recognisers: [{entity: X, patterns: ['a'], validator: nope}]", "no such check"),
        ("recognisers: [{entity: X}]", "needs `patterns` or `deny`"),
        ("recognisers: [{entity: X, deny: ['']}]", "is empty"),
        ("fields: {note: 3}", "fields.note: must be 'keep'"),
        ("fields: {note: {PERSON: gone}}", "fields.note: must be 'keep'"),
        ("fields: {note: surrogate}", "a whole field takes"),
        ("- PERSON", "must be a valid mapping"),
        ("about: nothing", "masks nothing"),
        ("a: [", "not YAML"),
    ],
)
def test_a_wrong_policy_is_told_in_one_line(tmp_path, text, says):
    with pytest.raises(UserError, match=re.escape(says)) as caught:
        write_policy(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_an_unknown_policy_names_the_ready_ones():
    with pytest.raises(UserError, match="hipaa-safe-harbor"):
        load_policy(["hipa"])


def test_the_key_is_made_once_private_and_never_inside_the_project(tmp_path):
    place = tmp_path / "keys" / "mask.key"
    key = load_key(place, tmp_path / "project")
    assert key == load_key(place) and len(key) == 32
    assert place.stat().st_mode & 0o077 == 0
    with pytest.raises(UserError, match="outside the project"):
        load_key(tmp_path / "project" / "mask.key", tmp_path / "project")
    place.chmod(0o644)
    with pytest.raises(UserError, match="chmod 600"):
        load_key(place)


def test_who_holds_the_key_can_go_back_and_nobody_else(tmp_path):
    lines = [{"text": NOTE, "n": 1}, {"text": "no one here", "n": 2}, {"text": "Mrs. Julia Welch", "n": 3}]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    key, vault = tmp_path / "a.key", tmp_path / "vault"
    mask_file(tmp_path / "in.jsonl", tmp_path / "out.jsonl", MaskChoices(key_file=key, vault=vault, processes=1))
    assert b"Keller" not in vault.read_bytes() and vault.stat().st_mode & 0o077 == 0
    restore_file(tmp_path / "out.jsonl", tmp_path / "back.jsonl", vault, key)
    assert read_lines(tmp_path / "back.jsonl") == lines
    with pytest.raises(UserError, match="does not open it"):
        restore_file(tmp_path / "out.jsonl", tmp_path / "back.jsonl", vault, tmp_path / "other.key")


def test_a_field_that_a_task_asks_for_cannot_be_dropped(tmp_path):
    (tmp_path / "own.yaml").write_text("fields: {finding: drop}\n")
    with pytest.raises(UserError, match=r"fields\.finding: a task asks"):
        mask_stage(tmp_path, make_settings(mask={"policy": ["own.yaml"]}), [], project=tmp_path)


PIECES = st.sampled_from(
    ["Maria Keller", "Dr. Olivia Chen", "(503) 555-0140", "MRN 00482913", "12 Oak Street, Leeds LS1 4AP", "a.b@c.org",
     "3 May 2024", "\n", "é", "eye", "[PERSON_1]", "Crohn disease", "DE89 3704 0044 0532 0130 00", "https://x.org/u/7741?a=b"]
)  # fmt: skip
ALL_SURROGATES = "actions: {" + ", ".join(f"{e}: surrogate" for e in ENTITIES if e != "SECRET") + "}\n"


@settings(max_examples=40, deadline=None)
@given(st.lists(PIECES, max_size=8).map(" ".join), st.sampled_from(["placeholder", "surrogate"]))
def test_nothing_outside_the_spans_changes_and_no_masked_value_stays(tmp_path_factory, text, action):
    policy = (
        load_policy(DEFAULT) if action == "placeholder" else write_policy(tmp_path_factory.mktemp("p"), ALL_SURROGATES)
    )
    masked = mask_records([[Job(text)]], Search(policy=policy, processes=1), KEY)[0][0]
    rebuilt, at = "", 0
    for one in masked.entities:
        assert at <= one.start < one.end <= len(text)
        rebuilt += text[at : one.start] + one.replacement
        at = one.end
    assert rebuilt + text[at:] == masked.text
    for one in masked.entities:
        value = text[one.start : one.end]
        assert len(value) < 4 or value.casefold() not in one.replacement.casefold()
        if action == "placeholder" and len(value) > 5:
            assert not re.search(rf"(?<!\w){re.escape(value)}(?!\w)", masked.text)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(PIECES, max_size=5).map(" ".join), min_size=1, max_size=4), st.booleans())
def test_no_masked_value_reaches_a_file_a_report_or_the_terminal(tmp_path_factory, capfd, texts, with_vault):
    folder = tmp_path_factory.mktemp("files")
    (folder / "in.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    choices = MaskChoices(key_file=folder / "key", vault=folder / "vault" if with_vault else None, processes=1)
    report = mask_file(folder / "in.jsonl", folder / "out.jsonl", choices)
    said = "".join([*capfd.readouterr(), str(report), str(report.facts), str(report.counts)])
    written = "".join(path.read_text() for path in folder.iterdir() if path.name not in ("in.jsonl", "key"))
    for text, line in zip(texts, read_lines(folder / "out.jsonl"), strict=True):
        for one in line["entities"]:
            value = json.dumps(text[one["start"] : one["end"]])[1:-1]
            assert len(value) < 6 or value not in said + written


def test_the_page_names_every_type_with_its_policies():
    page = (ROOT / "docs" / "masking.md").read_text(encoding="utf-8")
    policies = {name: load_policy([name]).actions for name in READY}
    for entity, what in ENTITIES.items():
        taken_by = ", ".join(name for name in READY if entity in policies[name])
        assert f"| `{entity}` | {what} | {taken_by} |" in page
