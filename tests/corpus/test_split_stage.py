"""The holdout is sealed by group, fixed by the salt alone, and training is kept clear of it."""

from __future__ import annotations

from collections import Counter

import pytest
from corpus_tools import make_example, make_settings, read_lines

from nichetune.core.errors import UserError
from nichetune.core.files import write_jsonl
from nichetune.core.records import Example, Message
from nichetune.corpus import split

WORDS = ("amber", "brisk", "cedar", "dune", "ember", "fjord", "grove", "heron", "inlet", "jetty", "knoll", "lagoon")


def note(number: int) -> str:
    """A note that shares no run of words with any other."""
    return " ".join(f"{word}{number}" for word in WORDS)


def make_corpus(groups: int = 60, size: int = 3):
    """Two tasks; in each, groups of `size` notes."""
    return [
        make_example(f"{task}-{g}-{n}", note(1000 * g + 10 * n + len(task)), task=task, group=f"{task}-{g}", answer="x")
        for task in ("explain", "route")
        for g in range(groups)
        for n in range(size)
    ]


def reword(example: Example, text: str) -> Example:
    """The example with another user's text."""
    return example.model_copy(update={"messages": [Message(role="user", content=text)]})


def split_examples(folder, examples, **sections):
    write_jsonl(folder / "dedupe" / "examples.jsonl", examples)
    out = folder / "split"
    report = split.run(make_settings(**sections), {"dedupe": folder / "dedupe"}, out)
    return {name: read_lines(out / f"{name}.jsonl") for name in ("train", "dev", "holdout", "dropped")}, report


def test_shares_are_met_in_each_task_and_no_group_is_cut(tmp_path):
    parts, report = split_examples(tmp_path, make_corpus())
    for part, share in (("holdout", 0.25), ("dev", 0.06)):
        by_task = Counter(one["task"] for one in parts[part])
        assert all(abs(by_task[task] - share * 180) <= 3 for task in ("explain", "route"))
    homes = [{one["group"] for one in parts[part]} for part in ("train", "dev", "holdout")]
    assert not homes[0] & homes[1] and not homes[0] & homes[2] and not homes[1] & homes[2]
    assert report.counts["in"] == sum(report.counts[part] for part in ("train", "dev", "holdout"))


def test_order_and_growth_of_the_corpus_move_no_sealed_group_and_the_salt_moves_many(tmp_path):
    def sealed(examples, salt="one"):
        homes = split.assign_groups(examples, make_settings(split={"salt": salt}).split)
        return {group for group, part in homes.items() if part == "holdout"}

    corpus = make_corpus()
    assert sealed(corpus) == sealed(corpus[::-1])
    assert sealed(corpus) != sealed(corpus, "two")
    grown = sealed([*corpus, *(one.model_copy(update={"group": f"new-{one.group}"}) for one in corpus[:60])])
    assert len(sealed(corpus) - grown) <= 3


def test_a_group_that_spans_two_tasks_goes_as_one(tmp_path):
    corpus = [one.model_copy(update={"group": one.group.split("-")[1]}) for one in make_corpus()]
    parts, _ = split_examples(tmp_path, corpus)
    homes = {part: {one["group"] for one in parts[part]} for part in ("train", "dev", "holdout")}
    assert sum(len(groups) for groups in homes.values()) == 60


def test_training_that_overlaps_a_sealed_item_is_removed_and_counted(tmp_path):
    corpus = make_corpus()
    homes = split.assign_groups(corpus, make_settings().split)
    sealed = next(one for one in corpus if homes[one.group] == "holdout")
    train = [one for one in corpus if homes[one.group] == "train"]
    same, run, short = (one.id for one in train[:3])
    texts = {
        same: sealed.prompt.upper() + "!",
        run: "before " + " ".join(sealed.prompt.split()[2:10]) + " after",
        short: " ".join(sealed.prompt.split()[:7]) + " and no more",
    }
    corpus = [reword(one, texts.get(one.id, one.prompt)) for one in corpus]
    parts, report = split_examples(tmp_path, corpus)
    assert {one["id"]: one["because_of"] for one in parts["dropped"]} == {same: sealed.id, run: sealed.id}
    assert report.dropped == {"same text as a sealed item": 1, "shares a run of 8 words with a sealed item": 1}
    assert short in {one["id"] for one in parts["train"]}


def test_a_template_of_many_groups_is_no_overlap(tmp_path):
    template = "a coder wants to report the following entry together with the other one"
    corpus = [reword(one, f"{template} {one.prompt}") for one in make_corpus()]
    parts, _ = split_examples(tmp_path, corpus)
    assert not parts["dropped"]


def test_the_training_set_of_a_task_can_be_capped(tmp_path):
    parts, report = split_examples(tmp_path, make_corpus(), split={"max_train": {"route": 20}})
    counts = Counter(one["task"] for one in parts["train"])
    assert counts["route"] == 20
    assert counts["explain"] > 100
    assert report.dropped["over split.max_train"] == len(parts["dropped"])


def test_too_few_sealed_items_are_refused_with_the_number_that_is_needed(tmp_path):
    with pytest.raises(UserError, match=r"at least 20 are needed.*takes 80 examples after cleaning, there are 24"):
        split_examples(tmp_path, make_corpus(groups=4))


def test_a_blind_holdout_is_drawn_by_group_and_training_is_kept_clear_of_it(tmp_path):
    corpus = make_corpus(120)
    rules = {"blind": 0.1}
    homes = split.assign_groups(corpus, make_settings(split=rules).split)
    blind = next(one for one in corpus if homes[one.group] == "blind")
    taught = next(one.id for one in corpus if homes[one.group] == "train")
    corpus = [reword(one, blind.prompt if one.id == taught else one.prompt) for one in corpus]
    parts, report = split_examples(tmp_path, corpus, split=rules)
    held = read_lines(tmp_path / "split" / "blind.jsonl")
    assert abs(len(held) - 72) <= 6 and report.counts["blind"] == len(held)
    others = {one["group"] for part in ("train", "dev", "holdout") for one in parts[part]}
    assert not others & {one["group"] for one in held}
    assert {one["id"]: one["because_of"] for one in parts["dropped"]} == {taught: blind.id}


def test_without_a_blind_holdout_the_others_are_drawn_as_ever(tmp_path):
    parts, report = split_examples(tmp_path, make_corpus())
    assert "blind" not in report.counts and not (tmp_path / "split" / "blind.jsonl").exists()
    with_blind, _ = split_examples(tmp_path / "other", make_corpus(), split={"blind": 0.1})
    assert parts["holdout"] == with_blind["holdout"]  # a second holdout takes from training, never from the first


def test_a_blind_holdout_that_shows_nothing_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"sealed items are too few.*split\.blind=0\.01"):
        split_examples(tmp_path, make_corpus(), split={"blind": 0.01})
