"""Drops texts that teach nothing, each for a reason that can be counted.

text -> a reason, or nothing

    find_flaw("\\ufffd\\ufffd ## ||", settings)  ->  "garbled"

Every filter can be switched off; the defaults drop only what is no text at all.
"""

from __future__ import annotations

import itertools
import re
import unicodedata

import numpy as np

from nichetune.core.errors import UserError
from nichetune.core.settings import QualitySettings
from nichetune.corpus.digests import digest_groups
from nichetune.corpus.normal import normalise_text
from nichetune.corpus.shingles import list_runs
from nichetune.corpus.subjects import Corpus
from nichetune.corpus.templates import Sources, Templates

TOO_SHORT, GARBLED, REPEATS = "too short", "garbled", "repeats itself"
WRONG_LANGUAGE, ONLY_TEMPLATE = "wrong language", "nothing but boilerplate"

_MOST_BAD_SHARE = 0.02  # of characters that no writer typed: one in fifty
_LEAST_WORD_SHARE = 0.5  # letters and digits among what is not space
_LONGEST_WORD = 120  # characters; longer ones are encoded data
_JUDGED_WORDS = 20  # a shorter text may well repeat itself
_READ_AT_ONCE = 2_000  # texts
_JUDGED_LANGUAGE_WORDS = 5  # below that a language is a guess
_REPEATED_WORDS = 3
_PLAIN = re.compile(r"[A-Za-z0-9]+")
# What UTF-8 looks like when it is read as Latin-1 or Windows-1252: a lead byte and a continuation byte.
_LEADS = frozenset("ÂÃâÐÑ")
_CONTINUATIONS = frozenset(map(chr, range(0x80, 0xC0))) | frozenset("€™œ“”•–—˜š›žŸ‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’")


def find_flaw(text: str, settings: QualitySettings, normal: str | None = None) -> str:
    """Why a text teaches nothing; empty if nothing speaks against it.

    Args:
        normal: the normalised text, where it is at hand.
    """
    normal = normalise_text(text) if normal is None else normal
    words = normal.split()
    if len(words) < settings.min_words:
        return TOO_SHORT
    if settings.garbled and is_garbled(text):
        return GARBLED
    if len(words) >= _JUDGED_WORDS and measure_repetition(normal) > settings.max_repeated:
        return REPEATS
    if settings.languages and len(words) >= _JUDGED_LANGUAGE_WORDS and detect_language(text) not in settings.languages:
        return WRONG_LANGUAGE
    return ""


def find_template_texts(corpus: Corpus, words: int, share: float) -> set[int]:
    """Places of texts that are nothing but their source's template, numbers aside."""
    sources = Sources.of([one.file for one in corpus])
    groups = digest_groups(one.group for one in corpus)
    templates = Templates(corpus, words, share, np.arange(len(corpus)), sources, groups)
    found: set[int] = set()
    for start in range(0, len(corpus), _READ_AT_ONCE):
        read = corpus.read(np.arange(start, min(start + _READ_AT_ONCE, len(corpus))), words)
        bare = (read.words > words) & (templates.strip(read).sizes == 0)
        found.update((start + np.flatnonzero(bare)).tolist())
    return found


def is_garbled(text: str) -> bool:
    """Whether a text holds characters that nobody typed, hardly any words, or encoded data."""
    solid = "".join(text.split())
    if not solid:
        return False
    if solid.isascii() and solid.isprintable():  # the usual case, at a tenth of the cost
        bad, readable = 0, len("".join(_PLAIN.findall(solid)))
    else:
        kinds = [unicodedata.category(letter) for letter in solid]
        bad = sum(kind in ("Cc", "Cn", "Co", "Cs") for kind in kinds) + solid.count("\ufffd")
        bad += sum(one in _LEADS and other in _CONTINUATIONS for one, other in itertools.pairwise(text))
        readable = sum(kind[0] in "LNM" for kind in kinds)
    if bad > _MOST_BAD_SHARE * len(solid) or readable < _LEAST_WORD_SHARE * len(solid):
        return True
    words = text.split()
    if max(map(len, words)) <= _LONGEST_WORD:
        return False
    return any(len(word) > _LONGEST_WORD and word.isascii() and "://" not in word for word in words)


def measure_repetition(normal: str) -> float:
    """Share of a text's runs of words that it has had already."""
    runs = list(list_runs(normal.split(), _REPEATED_WORDS))
    return 1 - len(set(runs)) / len(runs) if runs else 0.0


def detect_language(text: str) -> str:
    """ISO 639-1 code of the likeliest language.

    Raises:
        UserError: the language model is not installed.
    """
    try:
        from py3langid import langid
    except ImportError:
        raise UserError(
            "quality.languages needs a package that is not installed: pip install nichetune[languages]"
        ) from None
    return str(langid.classify(text)[0])
