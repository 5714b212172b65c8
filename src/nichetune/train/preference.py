"""Preference optimisation after SFT: moves the finished adapter by DPO, ORPO or KTO, and says what it moved.

Reads train/<sft>/, the cleaned pairs and, for grounded tasks, the index
-> adapter/ (as SFT writes it), loss.jsonl, preferences.json:

    {"before": {"win_rate": {"value": 0.61, "low": 0.49, "high": 0.72, "n": 70}}, "after": {…}, "won": 12, "lost": 2}

A pair is won where the model gives the chosen answer a higher log-probability a token than the rejected one. The
reference is the SFT policy, measured before the first step; one base and one adapter are in memory, as in SFT.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nichetune.core.errors import SystemFailure, UserError
from nichetune.core.files import read_json, read_records, write_json, write_jsonl
from nichetune.core.progress import say, track
from nichetune.core.records import Estimate, Example
from nichetune.core.settings import Preferring, Settings
from nichetune.core.stages import MANIFEST, Report
from nichetune.models.adapters import continue_adapter
from nichetune.models.allocator import compact_heap
from nichetune.models.loading import LoadedModel, load_base, load_tokenizer, pick_device, quiet_libraries
from nichetune.models.memory import free_bytes
from nichetune.models.packaged import resolve_model
from nichetune.train.arguments import make_arguments
from nichetune.train.data import EncodedExample, EncodedSet, plan_order
from nichetune.train.failures import explain_memory, what_would_fit
from nichetune.train.folder import CHECKPOINTS, keep_fit, last_checkpoint, read_history, save_trained
from nichetune.train.intervals import exact_interval
from nichetune.train.preference_data import EncodedPairs, Pair, add_unrelated, encode_pairs
from nichetune.train.sft import refuse_unmasked, where_tracked
from nichetune.train.trackers import check_trackers, track_in

RESULT = "preferences.json"
# A tenth of what SFT takes: the policy is to lean, not to learn.
DEFAULT_RATES: dict[str, float] = {"dpo": 5e-5, "orpo": 8e-5, "kto": 5e-5}
SANE_RATES = (1e-6, 5e-4)


def run(settings: Settings, inputs: dict[str, Path], out: Path, method: str) -> Report:
    """Moves one SFT adapter; goes on from a checkpoint that it finds in `out`.

    Args:
        inputs: `mask`, `preferences`, `sft` (the stage that it starts from); `index` where prompts hold passages.
        method: such as `qlora+dpo`.

    Raises:
        UserError: an unmasked corpus without a reason, another base than SFT had, no pair that fits.
        SystemFailure: the loss is not a number; memory or disk ran out.
        Stopped: Ctrl-C; the step that it came in is kept.
    """
    tracking = where_tracked(settings, inputs, method)
    check_trackers(*tracking)
    refuse_unmasked(inputs["mask"])
    kind, _, loss = method.partition("+")
    start = read_json(inputs["sft"] / MANIFEST)["facts"]
    own = _adapt_settings(settings, start, loss)  # type: ignore[arg-type]
    adapter = inputs["sft"] / "adapter"
    train, held = _encode(own, inputs, load_tokenizer(adapter), loss)
    folder = resolve_model(settings.base.model, settings.base.revision)
    fit = keep_fit(own, kind, folder, _as_rows(train), out)  # type: ignore[arg-type]
    device = pick_device(settings.base.device)
    longest, free = max(len(p.chosen.ids) for p in train.pairs), free_bytes(device)
    explained = explain_memory(lambda: what_would_fit(own.train, kind, folder, fit, device, longest, free))  # type: ignore[arg-type]
    with explained, compact_heap(fit.compact):
        base = load_base(own.base, start["quantisation"], packed=fit.packed)
        if base.digest != start["base_digest"]:
            raise UserError(f"train/{kind} was trained on another base than base.model is now: train it again")
        base.model = continue_adapter(base, adapter)
        learner = _Learner(base, own, method, held.pairs)
        with track_in(*tracking):
            history = learner.train(train.pairs, out, fit)
    save_trained(base, out)
    write_jsonl(out / "loss.jsonl", history)
    write_json(out / RESULT, learner.tell())
    shutil.rmtree(out / CHECKPOINTS, ignore_errors=True)
    return _report(own, method, start, train, held, learner)


def _adapt_settings(settings: Settings, start: dict[str, Any], loss: Preferring) -> Settings:
    """As the helpers of SFT read them: passes and batch of the pairs, the rate that was chosen, the base's format."""
    rules = settings.preference
    low, high = SANE_RATES
    rate = DEFAULT_RATES[loss] if rules.learning_rate is None else rules.learning_rate
    if not low <= rate <= high:
        say(f"warning: preference.learning_rate {rate:g} is outside {low:g} to {high:g}, what {loss} learns well with")
    changes: dict[str, Any] = {"learning_rate": None, "epochs": rules.epochs, "batch_size": rules.batch_size}
    changes |= {"processes": 1, "engine": "local", "sharding": "none"}  # some hundred pairs: one process's work
    rules = rules.model_copy(update={"learning_rate": rate})
    if start["dtype"] == "bfloat16":
        changes["dequantise"] = "on"  # the packed form is not rounded to bfloat16, as the adapter's base was
    train = settings.train.model_copy(update=changes)
    base = settings.base.model_copy(update={"dtype": start["dtype"]})
    return settings.model_copy(update={"train": train, "base": base, "preference": rules})


def _encode(
    settings: Settings, inputs: dict[str, Path], tokenizer: Any, loss: str
) -> tuple[EncodedPairs, EncodedPairs]:
    index = inputs.get("index") if settings.train.retrieval else None
    parts = [read_records(inputs["preferences"] / f"{name}.jsonl", Example) for name in ("train", "heldout")]
    train, held = (encode_pairs(settings, tokenizer, pairs, index) for pairs in parts)
    return (EncodedPairs(add_unrelated(train.pairs), train.dropped) if loss == "kto" else train), held


def _as_rows(train: EncodedPairs) -> EncodedSet:
    """The pairs as the memory plan counts them: as long as both answers together."""
    joined = [
        EncodedExample(p.id, p.chosen.ids + p.rejected.ids, p.chosen.labels + p.rejected.labels) for p in train.pairs
    ]
    return EncodedSet(joined, train.dropped)


@dataclass(frozen=True)
class _Margins:
    """How held-out pairs stand with a policy: log p of both answers, whole and a token, [pairs] each."""

    total: Any
    mean: Any

    @property
    def won(self) -> list[bool]:
        """Whether the chosen answer is the likelier one, a token."""
        return [bool(chosen > rejected) for chosen, rejected in self.mean.tolist()]


class _Learner:
    """The model with what is measured of it before and after."""

    def __init__(self, base: LoadedModel, settings: Settings, method: str, held: Sequence[Pair]) -> None:
        from nichetune.models.token_tree import use_token_tree
        from nichetune.train.batches import collate_padded, collate_tree

        self.base, self.settings, self.method, self.held = base, settings, method, list(held)
        self.loss: Preferring = method.partition("+")[2]  # type: ignore[assignment]
        self.collate = collate_tree if use_token_tree(base.model.get_base_model()) else collate_padded
        self.before = self.after = self._measure_held()

    def train(self, pairs: list[Pair], out: Path, fit: Any) -> list[Any]:
        """Trains on the pairs, then measures the held-out ones again; the loss of each step."""
        with quiet_libraries():
            from transformers import PrinterCallback

            from nichetune.train.interrupt import FinishStep
            from nichetune.train.preference_trainer import PreferenceTrainer
            from nichetune.train.trainer import ShowProgress, TimedCheckpoints

            train = self.settings.train
            order = plan_order([len(p.chosen.ids) for p in pairs], train.batch_size, train.epochs, self.settings.seed)
            steps = math.ceil(len(order) / (train.batch_size * train.accumulation))
            trainer = PreferenceTrainer(
                loss=self.loss, beta=self.settings.preference.beta, model=self.base.model,
                head_dtype=self._head_dtype, processing_class=self.base.tokenizer,
                args=self._arguments(steps, out, fit),
                train_dataset=self._dataset(pairs, order), callbacks=[TimedCheckpoints(train.checkpoint_every_s)],
            )  # fmt: skip
            trainer.remove_callback(PrinterCallback)
            with track(f"training {self.loss}", steps, "steps") as tick, FinishStep() as stop:
                trainer.add_callback(ShowProgress(tick))
                trainer.add_callback(stop)
                trainer.train(resume_from_checkpoint=last_checkpoint(out))
            stop.leave(trainer.state.global_step, steps)
        history = read_history(trainer.state.log_history)
        if not all(math.isfinite(point["loss"]) for point in history):
            raise SystemFailure("the loss is not a number: lower preference.learning_rate")
        self.after = self._measure_held()
        return history

    def _arguments(self, steps: int, out: Path, fit: Any) -> Any:
        """SFT's own but for the rate, and that nothing is judged on the way: held-out pairs are, before and after."""
        arguments = make_arguments(self.base, self.settings, "qlora", steps, out, fit)
        arguments.learning_rate = self.settings.preference.learning_rate
        arguments.eval_strategy = arguments.save_strategy = "no"
        arguments.load_best_model_at_end, arguments.run_name = False, self.method
        return arguments

    def _dataset(self, pairs: list[Pair], order: list[int]) -> Any:
        from datasets import Dataset

        from nichetune.train.preference_trainer import as_row

        reference = self._measure(pairs).tolist()
        rows = [
            {**as_row(p.chosen), "rows": [as_row(one) for one in p.rows], "reference": told}
            for p, told in zip(pairs, reference, strict=True)
        ]
        return Dataset.from_list([rows[n] for n in order])

    def _measure(self, pairs: Sequence[Pair]) -> Any:
        """Log-probabilities of all answers as the model stands, [pairs, answers]."""
        return self._ask(pairs).total.view(len(pairs), -1)

    def _measure_held(self) -> _Margins:
        if not self.held:
            return _Margins([], [])
        odds = self._ask(self.held)
        return _Margins(odds.total.view(-1, 2), odds.mean.view(-1, 2))

    def _ask(self, pairs: Sequence[Pair]) -> Any:
        from nichetune.train.preference_trainer import measure_answers

        answers = [row for pair in pairs for row in pair.rows]
        size = 2 * self.settings.preference.batch_size
        return measure_answers(self.base.model.get_base_model(), answers, self.collate, self._head_dtype, size)

    @property
    def _head_dtype(self) -> Any:
        import torch

        return getattr(torch, self.base.dtype)

    def tell(self) -> dict[str, Any]:
        """What was moved on held-out pairs, with n and exact intervals."""
        groups = [pair.group for pair in self.held]
        before, after = self.before.won, self.after.won
        moved = (self.after.total - self.before.total).tolist() if self.held else []
        flips = list(zip(before, after, strict=True))
        return {
            "before": {"win_rate": exact_interval(before, groups)},
            "after": {"win_rate": exact_interval(after, groups)},
            "moved_towards_chosen": exact_interval([chosen > rejected for chosen, rejected in moved], groups),
            "won": flips.count((False, True)),
            "lost": flips.count((True, False)),
        }


def _report(
    settings: Settings, method: str, start: dict[str, Any], train: EncodedPairs, held: EncodedPairs, learner: _Learner
) -> Report:
    told, base = learner.tell(), learner.base
    _say_moved(method, told)
    asked = sum(len(row.ids) for pair in train.pairs for row in pair.rows)  # once by the reference
    unrelated = sum(len(row.ids) for pair in train.pairs for row in pair.unrelated)  # once more in each pass, by KTO
    facts = {
        "method": method, "learning_rate": settings.preference.learning_rate, "epochs": settings.train.epochs,
        "beta": settings.preference.beta, "pairs": len(train.pairs), "held_out_pairs": len(held.pairs),
        "tokens_per_epoch": train.tokens, "forward_tokens": asked + int(settings.train.epochs * unrelated),
        "trainable_parameters": sum(p.numel() for p in base.model.parameters() if p.requires_grad),
        "parameters": sum(p.numel() for p in base.model.parameters()), "base_digest": base.digest,
        "base_model": settings.base.model, "base_revision": settings.base.revision,
        "quantisation": base.quantisation, "dtype": base.dtype, "starts_from": start, "preferences": _plain(told),
    }  # fmt: skip
    counts = {"in": len(train.pairs) + sum(train.dropped.values()), "out": len(train.pairs)}
    return Report(counts=counts, dropped=dict(train.dropped), facts=facts)


def _plain(told: dict[str, Any]) -> dict[str, Any]:
    def dump(value: Any) -> Any:
        if isinstance(value, Estimate):
            return value.model_dump(mode="json")
        return {name: dump(one) for name, one in value.items()} if isinstance(value, dict) else value

    return {name: dump(value) for name, value in told.items()}


def _say_moved(method: str, told: dict[str, Any]) -> None:
    before, after = told["before"]["win_rate"], told["after"]["win_rate"]
    if after.value is not None:
        say(
            f"  {method}: of {after.n} held-out pairs {before.value:.0%} were won before and {after.value:.0%} are "
            f"({after.low:.0%} to {after.high:.0%})"
        )
