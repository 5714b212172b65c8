"""A run with everything that makes a verdict trustworthy switched on, by the command line, as a new user tries it.

One tiny random model, one real HTTP server that is both the hosted rungs and the judge. The model never ends an answer;
hosted models are right, mute or twins; the judge is fair, down or talks rubbish.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from nichetune.cli.app import run
from nichetune.core.files import iter_jsonl, read_json, write_jsonl
from nichetune.generate import remote
from tests.chat_host import Body, ChatHost, last_turn, prefer_longer, serve
from tests.e2e.conftest import read_digests
from tests.train.train_tools import save_tiny

pytestmark = pytest.mark.slow
KEY = "sk-of-nobody-else"
MUTE = "not said"
HOSTED = "{{url: {url}, model: {name}, allow: true, key_env: TRUST_KEY, usd_per_1m_input: 2, usd_per_1m_output: 8}}"
SETTINGS = """\
project: trust
rungs: [classical, base, lora, "remote:good"]
sources: [{{path: sides.csv, task: side}}, {{path: tales.csv, task: tell}}]
tasks:
  side: {{kind: choice, values: [left, right], abstain: {{answer: not said}}, max_new_tokens: 4}}
  tell: {{kind: free, max_new_tokens: 6}}
base: {{model: {base}, dtype: float32}}
mask: {{enabled: false, because: made by a test}}
split: {{holdout: 0.3, dev: 0.35}}
train: {{rank: 4, alpha: 8, epochs: 1, batch_size: 8, learning_rate: 5.0e-3}}
benchmark: {{bootstrap: 1000}}
evaluate: {{calibration_items: 40, robustness: true}}
canaries: {{count: 3, repeats: 2, references: 8}}
judge: {{url: "{url}", model: judge, allow: true, key_env: TRUST_KEY, labels: labels.jsonl}}
remote:
  good: {good}
  twin: {twin}
  mute: {mute}
"""
PARTS = ["eyelid", "cornea", "retina", "lens", "iris", "sclera", "macula", "cochlea"]
SAID = ["reports", "noticed", "describes", "mentions", "feels", "suffers", "observed", "denies"]


@dataclass
class Minds:
    """What each model behind the server does; `left`: answers that a model still gives before it is down."""

    left: dict[str, int] = field(default_factory=dict)

    def reply(self, body: Body) -> str | int:
        name = body["model"]
        self.left[name] = self.left.get(name, 10**9) - 1
        if self.left[name] < 0:
            return 503
        known = {"good": solve, "twin": solve, "mute": lambda text: MUTE, "babble": lambda text: "perhaps so"}
        return known[name](last_turn(body)) if name in known else prefer_longer(body)


def solve(text: str) -> str:
    """The right answer, which nobody could learn of the tales."""
    if "tell of" in text.lower():
        digest = hashlib.sha256(text[text.lower().index("tell of") :].lower().encode()).hexdigest()
        return f"{digest[:6]} {digest[6:12]} {digest[12:18]}"
    return next((side for side in ("left", "right") if side in text.lower()), MUTE)


@dataclass(frozen=True)
class Said:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line that tells the failure."""
        (line,) = [line for line in self.err.splitlines() if line.startswith("error: ")]
        return line


@dataclass(frozen=True)
class Trial:
    """The project after a whole run, the server, and what the run said."""

    folder: Path
    host: ChatHost
    minds: Minds
    said: Said
    verdict: dict[str, Any]

    def call(self, *arguments: str, rungs: str = "", judge: str = "") -> Said:
        chosen = ["--set", f"rungs=[{rungs}]"] if rungs else []
        chosen += ["--set", f"judge.model={judge}", "--set", "judge.retries=0"] if judge else []
        return call(*arguments, "--project", str(self.folder), *chosen)

    def decide(self, rungs: str, judge: str = "") -> dict[str, Any]:
        said = self.call("decide", "--json", rungs=rungs, judge=judge)
        assert said.status == 0, said.err
        return dict(json.loads(said.out))

    def read(self, file: str) -> Any:
        return read_json(self.folder / "runs/trust" / file)


def call(*arguments: str) -> Said:
    """The command line in this process, as it prints."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        status = run(list(arguments))
    return Said(status, out.getvalue(), err.getvalue())


def write_project(folder: Path, url: str) -> None:
    save_tiny(folder / "base")
    draw = random.Random(5)
    sides, tales = ["text,answer,abstain"], ["text,answer"]
    for n in range(80):
        said = ("left", "right", "", "", "")[n % 5]  # most notes leave the side open
        truth = {"left": "right", "right": "left"}.get(said, "") if n % 20 == 0 else said  # one label in ten is wrong
        told = [draw.choice(words) for words in (SAID, PARTS, SAID, PARTS, SAID, PARTS)]
        sides.append(
            f"{' '.join([*told[:3], said, *told[3:]]).capitalize()} since {n},{truth},{'' if truth else 'yes'}"
        )
        tale = f"Tell of {PARTS[n % 8]} {n * 37 % 1009}"
        tales.append(f"{tale},{solve(tale)}")
    (folder / "sides.csv").write_text("\n".join(sides) + "\n")
    (folder / "tales.csv").write_text("\n".join(tales) + "\n")
    write_jsonl(folder / "labels.jsonl", [
        {"question": f"What is {n}?", "reference": f"It is the number {n} in words", "label": ("yes", "no")[n % 2],
         "answer": (f"It is the number {n} in words", "No idea")[n % 2]}
        for n in range(40)
    ])  # fmt: skip
    hosted = {name: HOSTED.format(url=url, name=name) for name in ("good", "twin", "mute")}
    (folder / "nichetune.yaml").write_text(SETTINGS.format(base=folder / "base", url=url, **hosted))


@pytest.fixture(scope="module")
def trial(tmp_path_factory) -> Iterator[Trial]:
    folder, minds = tmp_path_factory.mktemp("trust"), Minds()
    with pytest.MonkeyPatch.context() as patch, serve(ChatHost(minds.reply)) as host:
        patch.setenv("TRUST_KEY", KEY)
        patch.setattr(remote, "_FIRST_WAIT_S", 0.02)
        write_project(folder, host.url)
        host.plan, host.headers = [429, 429, 500], {"retry-after": "0.3"}
        said = call("run", "--project", str(folder))
        assert said.status == 0, said.err
        yield Trial(folder, host, minds, said, read_json(folder / "runs/trust/decide/verdict.json"))


def test_a_hosted_rung_runs_through_with_its_price_and_is_no_version(trial):
    verdict, used = trial.verdict, trial.read("evaluate/remote:good/resources.json")
    assert verdict["ship"] == "remote:good" and not trial.host.plan
    assert used["paid_usd"] == pytest.approx(used["items"] * (100 * 2 + 10 * 8) / 1e6)
    cost = verdict["rungs"]["remote:good"]["cost"]
    assert cost["serving_usd"] == pytest.approx(used["paid_usd"] / used["items"] * 100_000)
    assert "version: none: remote:good is hosted elsewhere and cannot be registered" in " ".join(trial.said.out.split())
    assert "remote:good" in (trial.folder / "runs/trust/report/report.html").read_text()
    assert "no version yet" in trial.call("registry", "list").out
    refused = trial.call("registry", "promote", "remote:good")
    assert refused.status == 2 and "cannot be registered" in refused.error


def test_the_key_stands_in_no_file_and_no_line(trial):
    assert trial.host.keys == {f"Bearer {KEY}"}
    written = [path for path in trial.folder.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
    assert not written and KEY not in trial.said.out + trial.said.err


def test_confidence_is_calibrated_where_answers_tell_it_apart(trial):
    found = trial.read("evaluate/classical/confidence.json")["side"]
    assert found["calibration"]["method"] == "platt" and found["calibration"]["n"] >= 20
    metrics = trial.read("evaluate/classical/metrics.json")
    assert {"side.aurc", "side.ece", "side.ece_calibrated", "side.reliability_calibrated"} <= metrics.keys()
    assert all(metrics[f"side.{name}"]["n"] == found["n"] for name in ("aurc", "ece", "brier"))
    alike = trial.read("evaluate/base/confidence.json")["side"]["calibration"]  # never right: nothing to fit
    assert alike["method"] == "none" and "all alike" in alike["why"]
    assert trial.read("evaluate/remote:good/confidence.json")["side"]["why"] == "this rung tells no confidence"


def test_secrets_are_asked_of_the_tuned_rung_alone(trial):
    found = trial.read("evaluate/lora/memorisation.json")
    assert (found["canaries"], found["records"], found["given_out"]) == (3, 6, [])
    assert (found["extraction_rate"]["value"], found["extraction_rate"]["high"]) == (0, pytest.approx(0.632, abs=1e-3))
    asked = {path.parent.name for path in trial.folder.rglob("memorisation.json")}
    assert asked == {"lora"}


def test_every_rung_is_asked_again_in_other_words(trial):
    for rung in ("classical", "base", "lora", "remote:good"):
        found = trial.read(f"evaluate/{rung}/robustness.json")
        assert set(found) == {"typos", "lower", "upper", "paraphrase", "order"} and found["order"] == {}
        for kind in ("typos", "lower", "upper", "paraphrase"):
            told = found[kind]["side"]
            assert told["difference"]["value"] == pytest.approx(told["after"] - told["before"], abs=1e-6)
            assert told["difference"]["n"] >= 20
    assert found["upper"]["side"]["before"] == found["upper"]["side"]["after"] >= 0.8  # the host reads capitals, too


def test_a_judge_that_people_bear_out_scores_every_rung(trial):
    found = trial.read("evaluate/remote:good/judge.json")
    assert (found["agreement"]["value"], found["agreement"]["n"], found["may_decide"]) == (1.0, 40, True)
    assert (found["judged"]["tell"]["value"], found["unclear"]) == (1.0, 0)
    assert "tell.judged" in trial.read("evaluate/base/metrics.json")
    assert any("with people's labels it has kappa 1.00" in one and "its scores count" in one
               for one in trial.verdict["reasons"])  # fmt: skip


def test_a_model_that_never_stops_is_bounded_and_its_answers_are_said_to_be_cut(trial):
    said = list(iter_jsonl(trial.folder / "runs/trust/evaluate/base/predictions.jsonl"))
    assert max(one["new_tokens"] for one in said) == 6  # tell's max_new_tokens
    told = trial.verdict["conduct"]["base"]
    assert told["cut"] >= 0.9 * told["items"] == 0.9 * len(said)
    (line,) = [one for one in trial.verdict["reasons"] if one.startswith("Cut answers") and " of base " in one]
    assert f"{told['cut']} of {told['items']}" in line


def test_a_model_that_always_abstains_is_over_refusal_and_never_better(trial):
    verdict = trial.decide('base, "remote:mute"')
    assert trial.read("evaluate/remote:mute/metrics.json")["all.success"]["value"] > 0.2  # most notes ask for it
    assert verdict["ship"] == "base" and "all that it earns is abstaining" in verdict["left_out"]["remote:mute"]
    told = verdict["conduct"]["remote:mute"]
    assert told["refused"] == told["answerable"] > 0
    assert any(one.startswith(f"Over-refusal: remote:mute abstained on {told['refused']} of the {told['answerable']}")
               for one in verdict["reasons"])  # fmt: skip


def test_two_equal_models_are_not_told_apart(trial):
    verdict = trial.decide('"remote:good", "remote:twin"')
    (pair,) = verdict["comparisons"]
    assert (pair["difference"], pair["decision"] in ("no better", "inconclusive")) == (0, True)
    assert verdict["ship"] == verdict["order"][0]


def test_a_judge_that_goes_down_is_one_line_and_the_same_command_goes_on(trial):
    trial.minds.left["judge-b"] = 10
    before = read_digests(trial.folder / "runs/trust")
    down = trial.call("evaluate", "remote:good", judge="judge-b")
    assert down.status == 3
    assert f"judge: {trial.host.url}: HTTP 503 in 1 try: what was answered so far is kept" in down.error
    assert read_digests(trial.folder / "runs/trust") == before  # no half result
    trial.minds.left["judge-b"] = 10**9
    assert trial.call("evaluate", "remote:good", judge="judge-b").status == 0
    asked = [json.dumps(body) for body in trial.host.asked if body["model"] == "judge-b"]
    assert len(asked) == len(set(asked)) > 10  # nothing twice


def test_a_judge_that_talks_rubbish_decides_nothing_and_is_said_to(trial):
    verdict = trial.decide('base, "remote:good"', judge="babble")
    told = trial.read("evaluate/remote:good/judge.json")
    assert (told["may_decide"], told["unclear"]) == (False, told["replies"])
    assert "tell.judged" not in trial.read("evaluate/remote:good/metrics.json")
    (line,) = [one for one in verdict["reasons"] if one.startswith("Judge: ")]
    assert "it decides nothing" in line and f"{told['replies']} of its {told['replies']} replies" in line


def test_a_benchmark_of_a_dozen_items_is_refused_before_anything_is_trained(trial, tmp_path):
    few = trial.call("run", "--set", "split.holdout=0.075", "--run-dir", str(tmp_path / "few"))
    assert few.status == 2 and "are too few to prove anything, at least 20 are needed" in few.error
    assert not (tmp_path / "few/train").exists()


def test_check_names_a_judges_missing_key_and_labels(trial, monkeypatch):
    monkeypatch.delenv("TRUST_KEY")
    said = trial.call("check", "--set", "judge.labels=none.jsonl")
    assert said.status == 2
    for told in ("judge.key_env: the environment has no TRUST_KEY", "judge.labels: no such file"):
        assert told in said.out + said.err
