"""Exact form of one peer after equal training time.

    python -m trainers.quality prefix/lora --minutes 2 4 8 --items 100 -> {"2": [1.0, 0.0, …], …, "steps": 310}

One training whose schedule is planned for the last mark, by the speed given; at each mark the clock stands still while
the adapter answers the first sealed triage items.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from trainers import peers


def main() -> None:
    """Trains one peer and judges it at each mark."""
    parser = argparse.ArgumentParser()
    parser.add_argument("peer")
    parser.add_argument("--minutes", type=float, nargs="+", default=[2, 4, 8])
    parser.add_argument("--items", type=int, default=100)
    parser.add_argument("--tokens-per-s", type=float, required=True)
    options = parser.parse_args()
    who, method = options.peer.split("/")
    print(json.dumps(measure(who, method, options)))


def measure(who: str, method: str, options: argparse.Namespace) -> dict[str, Any]:
    """Scores of the items at each mark, and the steps that were done."""
    from nichetune.core.progress import silence_progress

    silence_progress()
    settings = peers.open_settings(who, method)
    base = peers.load_model(who, method, settings)
    rows = peers.encode_rows(settings, base)
    per_row = sum(len(r["input_ids"]) for r in rows) / len(rows)
    seconds = 60 * max(options.minutes)
    a_step = 8 * settings.base.max_length if who == "textbook" else settings.train.batch_size * per_row  # tokens
    steps = max(2, round(options.tokens_per_s * seconds / a_step))
    chosen = rows if who == "textbook" else peers.choose_rows(settings, base, steps)
    trainer = peers.make_trainer(who, method, settings, base, chosen, steps)
    judge = Judge(trainer, base, settings, method, options)
    trainer.add_callback(judge.callback())
    trainer.train()
    judge.finish()
    return judge.scores | {"steps": trainer.state.global_step, "planned": steps}


class Judge:
    """Judges the adapter at each mark, and stops the training behind the last one."""

    def __init__(self, trainer: Any, base: Any, settings: Any, method: str, options: argparse.Namespace) -> None:
        self.trainer, self.base, self.settings, self.method = trainer, base, settings, method
        self.items, self.marks = options.items, sorted(options.minutes)
        self.scores: dict[str, Any] = {}
        self.trained = 0.0
        self.since = 0.0

    def callback(self) -> Any:
        """For the trainer."""
        from transformers import TrainerCallback

        judge = self

        class Marks(TrainerCallback):
            def on_train_begin(self, *_: Any, **__: Any) -> None:
                judge.since = time.perf_counter()

            def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
                judge.trained += time.perf_counter() - judge.since
                if judge.marks and judge.trained >= 60 * judge.marks[0]:
                    judge.score()
                control.should_training_stop = not judge.marks
                judge.since = time.perf_counter()

        return Marks()

    def finish(self) -> None:
        """Marks that the planned steps did not reach are judged by the finished adapter."""
        while self.marks:
            self.score()

    def score(self) -> None:
        """Exact form, item by item, by the weights as they are."""
        training = self.trainer.model.training
        self.scores[f"{self.marks.pop(0):g}"] = exact_forms(
            self.settings, self.base, self.trainer, self.method, self.items
        )
        self.trainer.model.train(training)


def exact_forms(settings: Any, base: Any, trainer: Any, method: str, items: int) -> list[float]:
    """Of the first sealed triage items: 1 where the whole form is right."""
    from nichetune.benchmark.seal import load_benchmark
    from nichetune.evaluate.candidates import describe_candidate
    from nichetune.evaluate.runner import CandidateRunner
    from nichetune.evaluate.scoring import score_item

    with tempfile.TemporaryDirectory() as folder:
        trainer.model.save_pretrained(Path(folder) / "adapter")
        base.tokenizer.save_pretrained(Path(folder) / "adapter")
        (Path(folder) / "manifest.json").write_text(json.dumps({"facts": {"dtype": base.dtype}}))
        candidate = describe_candidate(settings, method, Path(folder), None)
        chosen = [i for i in load_benchmark(peers.RUN / "benchmark").items if i.task == "triage"][:items]
        answers = CandidateRunner(candidate, Path(folder) / "adapter", None, batch_size=128).answer(chosen)
    task = settings.tasks["triage"]
    return [score_item(task, i, p, None)["exact_form"] for i, p in zip(chosen, answers, strict=True)]


if __name__ == "__main__":
    main()
