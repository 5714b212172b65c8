"""The base model and how it is tuned, by examples, by pairs, by a sweep."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from nichetune.core.settings.section import Section

Method = Literal["qlora", "lora", "full"]
Optimiser = Literal["adamw", "adamw_8bit", "paged_adamw_8bit", "adafactor", "sgd"]
Preferring = Literal["dpo", "orpo", "kto"]


class BaseSettings(Section):
    """The base model that all rungs share."""

    model: str = Field(
        "smollm2-135m",
        description="A packaged name, a Hugging Face id, a folder or a GGUF file (relative to the project).",
    )
    revision: str = Field("", description="Commit of a Hugging Face id; empty: its main.")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto: the GPU if there is one.")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto",
        description="Format of the frozen linear weights; auto: bfloat16 where the machine multiplies it faster than "
        "float32, on a GPU that does not but gains by float16 that, else float32 (measured at start).",
    )
    max_length: int = Field(
        1024,
        ge=64,
        description="Longest training example, in tokens; longer ones are refused or dropped and counted, never cut.",
    )


class TrainSettings(Section):
    """Tuning."""

    method: Method = Field("qlora", description="What `nichetune train` trains when a rung does not say.")
    from_run: str = Field(
        "",
        description="A finished run's folder (relative to the project): its trainings are taken as they are, and none "
        "is made anew, so that an old adapter meets a new benchmark or newer documents. The base has to be the same, "
        "and nothing that it was trained on may be sealed here. Empty: train.",
    )
    rank: int = Field(16, ge=1, description="LoRA rank; 16 on all linear layers is the measured default.")
    alpha: int = Field(32, ge=1, description="LoRA scale (alpha / rank multiplies the update).")
    rslora: bool = Field(False, description="alpha / sqrt(rank) multiplies the update: steadier at ranks over 64.")
    dora: bool = Field(
        False,
        description="DoRA: each layer's weight norms are trained beside its LoRA; slower, for low ranks.",
    )
    targets: Literal["all-linear"] | list[str] = Field(
        "all-linear",
        description="Layers that get LoRA: every linear one, or those named (q_proj, v_proj); an unknown name is told.",
    )
    dropout: float = Field(0.0, ge=0, lt=1, description="LoRA dropout; 0 at a few epochs.")
    learning_rate: float | None = Field(
        None, gt=0, description="None: by method (adapters 6e-4, full 6e-5: ten times apart)."
    )
    examples: int = Field(
        0,
        ge=0,
        description="Learn from so many training examples only, each task's share of them; a smaller number is part of "
        "a larger one, which is how a learning curve is made. Canaries come on top. 0: all.",
    )
    epochs: float = Field(2.0, gt=0, description="Passes over the training examples.")
    batch_size: int = Field(4, ge=1, description="Examples a device step.")
    accumulation: int = Field(
        1,
        ge=1,
        description="Device steps an optimiser step; the loss is normalised by supervised tokens over all of them.",
    )
    warmup_share: float = Field(0.05, ge=0, lt=1, description="Share of steps that warm up.")
    optimiser: Optimiser = Field(
        "adamw",
        description="adamw; adamw_8bit (a quarter of its state, helps full tuning); paged_adamw_8bit (state paged to "
        "the CPU, CUDA); adafactor (hardly any state); sgd (none; wants a rate of its own).",
    )
    weight_decay: float = Field(0.0, ge=0, description="The optimiser's weight decay.")
    max_grad_norm: float = Field(1.0, gt=0, description="Gradient clipping.")
    retrieval: bool = Field(True, description="Grounded examples are trained with retrieved passages in the prompt.")
    too_long: Literal["refuse", "drop"] = Field(
        "refuse", description="Examples over base.max_length: stop, or drop and count."
    )
    memory: Literal["auto"] | Annotated[float, Field(gt=0)] = Field(
        "auto",
        description="GiB that training may take; auto: nine tenths of what is free. The quickest way that fits is "
        "taken: see checkpointing, dequantise; a batch is also split into smaller ones, with the same numbers.",
    )
    checkpointing: Literal["auto", "on", "off"] = Field(
        "auto",
        description="Gradient checkpointing: activations computed again rather than kept. auto: only where free memory "
        "asks for it.",
    )
    dequantise: Literal["auto", "on", "off"] = Field(
        "auto",
        description="QLoRA: hold the frozen NF4 values in float once instead of at every use; the same numbers. "
        "auto: unless even checkpointing does not make it fit.",
    )
    checkpoint_every_s: int = Field(60, ge=1, description="Seconds between checkpoints; a kill costs at most this.")
    early_stopping: int = Field(
        0,
        ge=0,
        description="Evaluations of the development set's loss without a new best after which training stops; the best "
        "checkpoint is kept. 0: off, since an evaluation costs about a third of a pass over as many examples.",
    )
    evaluations_per_epoch: int = Field(4, ge=1, description="Early stopping only: evaluations in an epoch.")
    trackers: list[Literal["tensorboard", "mlflow", "wandb", "trackio"]] = Field(
        default_factory=list,
        description="Where loss and settings are also logged, in `tracking/` of the run unless the tracker's own "
        "environment says else (Weights & Biases: offline unless WANDB_MODE is set); never a text of yours.",
    )
    engine: Literal["local", "ray"] = Field(
        "local",
        description="Where the ranks run. local: this machine. ray: a Ray cluster, with `nichetune[ray]` on every node "
        "and the run's folder where all nodes see it; where data is cleaned is data.engine's.",
    )
    processes: Annotated[int, Field(ge=1)] | Literal["auto"] = Field(
        1,
        description="Ranks that share each device step (batch_size must divide by them); loss and weights are those of "
        "one. auto: one a GPU.",
    )
    sharding: Literal["none", "fsdp2", "deepspeed"] = Field(
        "none",
        description="What a rank holds. none: the whole model. fsdp2, deepspeed: its share of weights, gradients and "
        "optimiser, for models that no GPU holds alone; on GPUs only.",
    )
    ray_address: str = Field("", description="The Ray cluster's address, as data.address; empty: a Ray started here.")

    @field_validator("targets")
    @classmethod
    def _name_some(cls, targets: str | list[str]) -> str | list[str]:
        if not targets:
            raise ValueError("an empty list adapts nothing: name layers (q_proj, v_proj), or all-linear")
        return targets

    @model_validator(mode="after")
    def _check_ranks(self) -> TrainSettings:
        if self.processes != "auto" and self.batch_size % self.processes:
            fits = -(-self.batch_size // self.processes) * self.processes
            raise ValueError(
                f"batch_size {self.batch_size} does not divide by processes {self.processes}, which share each step: "
                f"set batch_size to {fits}"
            )
        return self


class PreferenceSettings(Section):
    """Preference optimisation after SFT, for the rungs +dpo, +orpo and +kto; all else is as in `train`."""

    beta: float = Field(
        0.1, gt=0, description="dpo, kto: how firmly the SFT policy is held on to; orpo: weight of the odds ratio."
    )
    learning_rate: float | None = Field(
        None, gt=0, description="None: by method (dpo and kto 5e-5, orpo 8e-5: a tenth of what SFT takes)."
    )
    epochs: float = Field(1.0, gt=0, description="Passes over the pairs; more soon overfits to them.")
    batch_size: int = Field(4, ge=1, description="Pairs a device step.")
    held_out: float = Field(
        0.2, gt=0, lt=1, description="Share of the pairs' groups that are kept for the win rate, never trained on."
    )
    min_pairs: int = Field(20, ge=2, description="Fewer pairs than this, after cleaning, are refused.")


class RangeSettings(Section):
    """What a sweep tries for one setting: `choices`, or all from `low` to `high`."""

    choices: list[bool | int | float | str | None] | None = Field(None, description="The values to try.")
    low: float | None = Field(None, description="Least value.")
    high: float | None = Field(None, description="Greatest value.")
    log: bool = Field(False, description="Try by order of magnitude, as suits a learning rate.")
    step: float | None = Field(None, gt=0, description="Distance between values; a whole-number setting has 1.")

    @model_validator(mode="after")
    def _check_shape(self) -> RangeSettings:
        if (self.choices is None) == (self.low is None and self.high is None):
            raise ValueError("write either `choices: [..]` or `low:` and `high:`")
        if self.choices is not None:
            if not self.choices or self.log or self.step:
                raise ValueError("`choices` is a list of values, and has neither `log` nor `step`")
            return self
        if self.low is None or self.high is None or not self.low < self.high:
            raise ValueError("a range needs `low:` below `high:`")
        if self.log and (self.low <= 0 or self.step):
            raise ValueError("`log` needs a `low:` above 0, and has no `step`")
        return self


class SweepSettings(Section):
    """Searching for training settings on the development set: `nichetune sweep`."""

    space: dict[str, RangeSettings] = Field(
        default_factory=dict,
        description="What to try, by setting: `train.rank: {choices: [8, 16]}`, `train.learning_rate: {low: 1.0e-4, "
        "high: 3.0e-3, log: true}`. Empty: learning rate, passes, and an adapter's rank around the defaults.",
    )
    objective: str = Field(
        "loss",
        description="loss: nats a supervised token of the development set. Or `task.metric` (or all.success) of "
        "answers to it, which costs generating them in every trial.",
    )
    trials: int = Field(20, ge=1, description="Trials in all; a sweep that goes on counts those that it has.")
    pruner: Literal["median", "hyperband", "none"] = Field(
        "median",
        description="Ends a trial early whose development loss falls behind: behind the median of the others at the "
        "same share of training, by brackets of successive halving, or never.",
    )
    looks: int = Field(
        4, ge=1, description="Looks at the development loss in a trial, evenly spread; the last is its end."
    )
    dev_items: int = Field(
        0, ge=0, description="At most so many development examples are judged, the same in all trials; 0: all."
    )
    parallel: int = Field(
        1, ge=1, description="Trials at once; more than one run over Ray, with `nichetune[ray]`, at data.address."
    )
    storage: str = Field(
        "",
        description="SQLAlchemy URL that holds the trials; empty: SQLite in the run's folder, which serves one machine "
        "and not a cluster.",
    )
