"""A sealed benchmark names what was changed in it, and no training may touch its items."""

from __future__ import annotations

import pytest

from nichetune.benchmark import seal
from nichetune.benchmark.contamination import check_training, refuse_contaminated
from nichetune.core.errors import CheckFailed, UserError
from nichetune.core.files import write_json, write_jsonl
from nichetune.core.records import Example, Expected, Message, Source
from nichetune.core.settings import Settings

TASKS = {"route": {"kind": "choice", "values": ["billing", "desk"]}}


def make_item(name: str, text: str, answer: str = "desk") -> Example:
    turns = [Message(role="user", content=text)]
    source = Source(file="mail.csv", line=2)
    expected = Expected(answer=answer)
    return Example(id=name, group=name, task="route", messages=turns, expected=expected, source=source)


ITEMS = [make_item(f"m{n}", f"question{n} about " + " ".join(f"w{n}x{k}" for k in range(12))) for n in range(20)]


@pytest.fixture
def sealed(tmp_path):
    """The folder of a freshly sealed benchmark."""
    write_jsonl(tmp_path / "split" / "holdout.jsonl", ITEMS)
    write_json(tmp_path / "split" / "boilerplate.json", [])
    settings = Settings.model_validate({"project": "mail", "sources": [], "tasks": TASKS})
    seal.run(settings, {"split": tmp_path / "split"}, tmp_path / "benchmark")
    return tmp_path / "benchmark"


def rewrite(path, change):
    """Changes the text of a file as somebody with an editor would."""
    text = path.read_text()
    assert change(text) != text
    path.write_text(change(text))


def test_an_untouched_benchmark_verifies_and_reads_whole(sealed):
    benchmark = seal.verify_benchmark(sealed)
    assert benchmark.items == ITEMS
    assert benchmark.primary == "route.exact"
    assert benchmark.digest == benchmark.compute_digest()


def test_the_same_content_has_the_same_digest_and_any_setting_another(sealed):
    def digest(**sections):
        settings = Settings.model_validate({"project": "mail", "sources": [], "tasks": TASKS} | sections)
        return seal.seal_benchmark(settings, ITEMS, []).digest

    assert digest() == seal.load_benchmark(sealed).digest
    changed = [
        {"benchmark": {"margin": 0.05}}, {"benchmark": {"alpha": 0.1}}, {"benchmark": {"seeds": 3}}, {"seed": 8},
        {"split": {"salt": "x"}}, {"economics": {"answers": 5}}, {"gates": {"critical_failures": "allow"}},
    ]  # fmt: skip
    assert len({digest(), *(digest(**sections) for sections in changed)}) == 8


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("items.jsonl", lambda t: t.replace("question7 ", "Question7 "), "sealed item m7 was changed"),
        ("items.jsonl", lambda t: t.replace('"desk"', '"billing"', 1), "sealed item m0 was changed"),
        ("items.jsonl", lambda t: t[t.index("\n") + 1 :], "sealed item m0 is missing"),
        ("items.jsonl", lambda t: t + t[: t.index("\n")].replace('"m0"', '"m99"') + "\n", "item m99 was added"),
        ("items.jsonl", lambda t: "\n".join(t.splitlines()[::-1]) + "\n", "the order of the items"),
        ("benchmark.json", lambda t: t.replace('"margin": 0.02', '"margin": 0.01'), "a rule or a setting was changed"),
        ("boilerplate.json", lambda t: '["abc"]', "a rule or a setting was changed"),
    ],
)
def test_whatever_is_changed_after_sealing_is_named(sealed, file, change, message):
    rewrite(sealed / file, change)
    with pytest.raises(CheckFailed, match=message) as caught:
        seal.verify_benchmark(sealed)
    assert caught.value.exit_status == 1


def test_other_scorers_than_those_sealed_are_refused(sealed):
    sealed_with_others(sealed, "scorers")
    with pytest.raises(CheckFailed, match="other scorers"):
        seal.verify_benchmark(sealed)
    assert seal.verify_benchmark(sealed, check_scorers=False).items == ITEMS


def test_another_decision_rule_than_the_sealed_one_is_refused(sealed):
    sealed_with_others(sealed, "decision")
    with pytest.raises(CheckFailed, match="other decision rule"):
        seal.verify_benchmark(sealed)


def sealed_with_others(folder, part):
    """Seals the same benchmark as another version of nichetune would have."""
    other = seal.load_benchmark(folder).model_copy(update={part: "0" * 64})
    other = other.model_copy(update={"part_digests": other.digest_parts()})
    seal.write_benchmark(other.model_copy(update={"digest": other.compute_digest()}), folder)


def test_what_is_no_benchmark_is_a_one_line_mistake_of_the_caller(sealed, tmp_path):
    with pytest.raises(UserError, match="no such file"):
        seal.verify_benchmark(tmp_path / "nowhere")
    write_json(sealed / "benchmark.json", {"digest": "x"})
    with pytest.raises(UserError, match="no sealed benchmark"):
        seal.load_benchmark(sealed)


def test_clean_training_has_no_hit(sealed):
    assert check_training([make_item("t1", "hello there, where is my bill")], seal.load_benchmark(sealed)) == []


@pytest.mark.parametrize(
    ("text", "group", "reason"),
    [
        (ITEMS[3].prompt.upper(), "t1", "same text as a sealed item"),
        ("so " + " ".join(ITEMS[3].prompt.split()[3:11]), "t1", "shares a run of 8 words with a sealed item"),
        ("entirely new words", "m3", "same group as a sealed item"),
    ],
)
def test_training_that_gives_an_item_away_is_refused_by_id(sealed, text, group, reason):
    example = make_item("t1", text).model_copy(update={"group": group})
    with pytest.raises(UserError, match=rf"1 training examples overlap.*t1 \({reason} m3\)"):
        refuse_contaminated([example], seal.load_benchmark(sealed))


def test_a_run_that_was_boilerplate_at_the_split_stays_boilerplate(sealed):
    from nichetune.corpus.normal import normalise_text
    from nichetune.corpus.overlap import word_runs

    run = " ".join(ITEMS[3].prompt.split()[3:11])
    write_json(sealed / "boilerplate.json", list(word_runs(normalise_text(run), 8)))
    assert check_training([make_item("t1", run)], seal.load_benchmark(sealed)) == []
