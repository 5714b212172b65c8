"""Trains the tagger of names and addresses and writes its weights into the package.

templates.txt, words.txt, Faker, eponyms (build side) -> src/nichetune/corpus/masking/tagger.safetensors, SOURCES.sha256

    python tools/mask_tagger/train.py [--texts 40000] [--epochs 4] [--seed 1]

No word of the test side (bench/mask_set) is among the values. Plain English from Python's own help pages teaches
what is no name; words that the language model takes for an entity there are left out of the loss.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import re
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file
from spacy.tokens import Doc

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(Path(__file__).parent), str(ROOT / "bench"), str(ROOT / "src")]

from lists import load_values  # noqa: E402
from make_text import Maker, read_templates  # noqa: E402
from mask_set.values import held_out_words  # noqa: E402
from roughen import Text  # noqa: E402
from terms import make_terms  # noqa: E402

from nichetune.corpus.analyzer import read_docs  # noqa: E402
from nichetune.corpus.masking.features import (  # noqa: E402
    FLAGS,
    NAME_FLAGS,
    TABLES,
    THING_FLAG,
    WORD_FLAGS,
    Features,
    read_features,
)
from nichetune.corpus.masking.tagger import DILATIONS, GAP_ROWS, LABELS, TAGS, WEIGHTS  # noqa: E402

WIDTHS = (32, 16, 16, 12)
HIDDEN = 144
IGNORED = -100
# A miss is worse than a word too many: "none" weighs less.
NONE_WEIGHT = 0.5
# What the weights depend on besides this folder.
_SHARED = (
    *("given_names.txt", "surnames.txt", "masking/eponyms.txt", "masking/eponym_heads.txt", "masking/things.txt"),
    *("masking/eponyms.py", "masking/features.py", "masking/plain_words.py", "masking/things.py"),
)


class Network(torch.nn.Module):
    """The tagger as torch sees it; `tagger.py` computes the same with numpy."""

    def __init__(self) -> None:
        super().__init__()
        self.table = torch.nn.ModuleList(
            torch.nn.Embedding(n, w, padding_idx=0) for n, w in zip(TABLES, WIDTHS, strict=True)
        )
        self.project = torch.nn.Linear(sum(WIDTHS) + FLAGS + 64, HIDDEN)
        self.layer = torch.nn.ModuleList(torch.nn.Linear(3 * HIDDEN, HIDDEN) for _ in DILATIONS)
        self.norm = torch.nn.ModuleList(torch.nn.LayerNorm(HIDDEN) for _ in DILATIONS)
        self.out = torch.nn.Linear(HIDDEN, len(TAGS))
        self.drop = torch.nn.Dropout(0.2)

    def forward(
        self, forms: torch.Tensor, flags: torch.Tensor, vectors: torch.Tensor, places: torch.Tensor, rows: int
    ) -> torch.Tensor:
        """[words, tags]."""
        read = torch.cat([*(table(forms[:, n]) for n, table in enumerate(self.table)), flags, vectors], dim=1)
        words = torch.relu(self.project(self.drop(read)))
        for layer, norm, dilation in zip(self.layer, self.norm, DILATIONS, strict=True):
            # Dropped before the windows are made: a third of the random numbers, which cost a third of all time.
            state = words.new_zeros(rows, HIDDEN).index_copy(0, places, self.drop(words))
            window = torch.cat([state[places - dilation], state[places], state[places + dilation]], dim=1)
            words = words + norm(torch.relu(layer(window)))
        return self.out(self.drop(words))


def main() -> None:
    """Makes the text, trains, writes the weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=40_000)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)  # a batch of some 1,500 words is too small to share: two threads were three times slower
    held_out = held_out_words()
    values, terms = load_values(held_out), make_terms(held_out)
    templates = read_templates()
    dev_templates = [one for n, one in enumerate(templates) if n % 10 == 3]
    train = [Maker(values, terms, options.seed, [t for t in templates if t not in dev_templates])]
    texts = [train[0].make() for _ in range(options.texts)] + make_plain(options.texts // 12, options.seed)
    dev = Maker(values, terms, options.seed + 1, dev_templates)
    print(f"{len(texts)} texts made", flush=True)
    data, dev_data = featurize(texts), featurize([dev.make() for _ in range(1500)])
    print("features read", flush=True)
    fit(data, dev_data, options.epochs, options.seed, ROOT / "src" / "nichetune" / "corpus" / "masking" / WEIGHTS)


def make_plain(count: int, seed: int) -> list[Text | str]:
    """Plain English of Python's help pages, a few lines each."""
    from pydoc_data.topics import topics

    lines = [
        re.sub(r"[*`]", "", line) for page in topics.values() for line in page.split("\n\n") if 40 < len(line) < 600
    ]
    return random.Random(seed).choices([" ".join(line.split()) for line in lines], k=count)


def featurize(texts: list[Text | str]) -> list[tuple[Features, np.ndarray]]:
    """Features and tags of each text; the tags of a plain text's entities are ignored."""
    done = []
    for start in range(0, len(texts), 256):
        part = texts[start : start + 256]
        read = read_docs([one if isinstance(one, str) else one.text for one in part])
        docs, features, at = read.docs, read_features(read), 0
        for one, doc in zip(part, docs, strict=True):
            rows = slice(at, at + len(doc))
            at += len(doc)
            tags = _tag_plain(doc) if isinstance(one, str) else _tag(doc, one)
            done.append((Features(features.forms[rows], features.flags[rows], features.vectors[rows]), tags))
    return [one for one in done if len(one[1])]


def _tag(doc: Doc, one: Text) -> np.ndarray:
    tags = np.zeros(len(doc), dtype=np.int64)
    for start, end, label in one.spans:
        first = True
        for token in doc:
            if token.idx < end and start < token.idx + len(token.text) and not token.is_space:
                tags[token.i] = TAGS.index(("B-" if first else "I-") + label)
                first = False
            elif token.is_space and start < token.idx < end:
                tags[token.i] = TAGS.index("I-" + label)
    return tags


def _tag_plain(doc: Doc) -> np.ndarray:
    return np.array(
        [IGNORED if token.ent_type_ in ("PERSON", "GPE", "ORG", "FAC", "LOC") else 0 for token in doc], dtype=np.int64
    )


def collate(part: list[tuple[Features, np.ndarray]], hide: np.random.Generator | None) -> tuple:
    """One batch as one long row of words; `hide` takes a quarter of the word forms away."""
    lengths = [len(tags) for _, tags in part]
    forms = np.concatenate([one.forms for one, _ in part])
    flags = np.concatenate([one.flags for one, _ in part])
    if hide is not None:
        forms = forms.copy()
        forms[hide.random(len(forms)) < 0.25, 0] = 0
        gone = hide.random(len(forms)) < 0.06
        forms[gone, :3] = 0
        flags = flags.copy()
        unknown = hide.random(len(flags)) < 0.35  # a name need not stand in the lists
        for one in NAME_FLAGS:
            flags[unknown, one] = 0
        flags[hide.random(len(flags)) < 0.35, THING_FLAG] = 0  # nor a thing
        flags[hide.random(len(flags)) < 0.15, WORD_FLAGS:] = 0
    at, places = GAP_ROWS, []
    for length in lengths:
        places.append(np.arange(at, at + length))
        at += length + GAP_ROWS
    vectors = np.concatenate([one.vectors for one, _ in part])
    tags = np.concatenate([tags for _, tags in part])
    return (*(torch.from_numpy(a) for a in (forms, flags, vectors, np.concatenate(places))), at, torch.from_numpy(tags))


def fit(data: list, dev_data: list, epochs: int, seed: int, target: Path, batch: int = 32) -> None:
    """Trains with AdamW and a rate that falls to nothing; the weights are written after each epoch."""
    network, rng = Network(), np.random.default_rng(seed)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=0.01)
    steps = epochs * (len(data) // batch)
    weights = torch.ones(len(TAGS))
    weights[0] = NONE_WEIGHT
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps + 1, pct_start=0.1)
    for epoch in range(epochs):
        network.train()
        order, total = rng.permutation(len(data)), 0.0
        for start in range(0, len(order) - batch + 1, batch):
            *inputs, tags = collate([data[n] for n in order[start : start + batch]], rng)
            loss = torch.nn.functional.cross_entropy(network(*inputs), tags, weights, ignore_index=IGNORED)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        loss_mean = total / (len(order) // batch)
        print(f"epoch {epoch + 1}: loss {loss_mean:.4f}; held-out templates: {check(network, dev_data)}", flush=True)
        export(network, target)


def check(network: Network, data: list) -> str:
    """Share of words found and of findings right, by label, on held-out templates."""
    network.eval()
    said, true = [], []
    with torch.inference_mode():
        for start in range(0, len(data), 64):
            *inputs, tags = collate(data[start : start + 64], None)
            said.append(network(*inputs).argmax(1).numpy())
            true.append(tags.numpy())
    said_all, true_all = np.concatenate(said), np.concatenate(true)
    parts = []
    for n, label in enumerate(LABELS):
        is_true, is_said = (true_all + 1) // 2 == n + 1, (said_all + 1) // 2 == n + 1
        hit = (is_true & is_said).sum()
        parts.append(f"{label} R {hit / max(is_true.sum(), 1):.3f} P {hit / max(is_said.sum(), 1):.3f}")
    return "; ".join(parts)


def export(network: Network, target: Path) -> None:
    """Writes the weights as 16-bit floats, and the digests of all that they were made from."""
    save_file({name: value.half().numpy() for name, value in network.state_dict().items()}, target)
    here, corpus = Path(__file__).parent, ROOT / "src" / "nichetune" / "corpus"
    sources = sorted([*here.glob("*.py"), here / "templates.txt", here / "words.txt"])
    sources += [corpus / name for name in _SHARED]
    lines = [f"{hashlib.sha256(one.read_bytes()).hexdigest()}  {one.relative_to(ROOT)}\n" for one in [*sources, target]]
    (here / "SOURCES.sha256").write_text("".join(lines))


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # Faker draws some towns in the order of a set
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | {"PYTHONHASHSEED": "0"})
    main()
