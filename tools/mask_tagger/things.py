"""What stands beside names and is none: companies, numbers, dates, nouns, terms."""

from __future__ import annotations

from draw import Draw
from lists import WORDS
from people import draw_invent, draw_last, draw_surname
from places import draw_c


def draw_o(d: Draw) -> str:
    r = d.rng
    head = r.choice((d.rng.choice(d.values.org_words), draw_last(d), d.rng.choice(d.values.org_words) + " " + d.word('nouns').capitalize(),
                     f"{draw_last(d)} & {draw_last(d)}", draw_c(d), draw_invent(d), "".join(r.sample("ABCDEGHIKLMNPRST", 3)),
                     f"{draw_last(d)}, {draw_last(d)} and {draw_last(d)}"))  # fmt: skip
    return (
        f"{head} {d.word('org_ends')}" if r.random() < 0.9 else head + r.choice(("tech", "soft", "ify", "corp", "lab"))
    )


def draw_identifier(d: Draw) -> str:
    r = d.rng
    form = r.choice(("dddddd", "dddddddd", "ddddddddd", "AAddddd", "A-ddddd", "ddd-ddd-ddd", "dd-ddddd", "AAAdddd", "AAdd AAA",
                     "dAAAddd", "A ddddddd", "ddddA", "AAA-dddddd-dd", "dddd/dd", "AdddddddA"))  # fmt: skip
    return "".join(
        r.choice("0123456789") if s == "d" else r.choice("ABCDEFGHKLMNPRSTVXZ") if s == "A" else s for s in form
    )


def draw_ref(d: Draw) -> str:
    return draw_identifier(d)


def draw_phone(d: Draw) -> str:
    r = d.rng
    form = r.choice(
        (
            "(ddd) ddd-dddd",
            "ddd-ddd-dddd",
            "+dd dd dddd dddd",
            "0dddd dddddd",
            "ddd.ddd.dddd",
            "+dd ddd dddddd",
            "dddddddddd",
        )
    )
    return "".join(r.choice("0123456789") if s == "d" else s for s in form)


def draw_date(d: Draw) -> str:
    r, m = d.rng, d.word("months")
    d, y = r.randrange(1, 29), r.randrange(1930, 2026)
    return r.choice(
        (
            f"{d} {m} {y}",
            f"{m} {d}, {y}",
            f"{d:02d}/{r.randrange(1, 13):02d}/{y}",
            f"{y}-{r.randrange(1, 13):02d}-{d:02d}",
            f"{m} {d}",
        )
    )


def draw_month(d: Draw) -> str:
    return d.word("months")


def draw_year(d: Draw) -> str:
    return str(d.rng.randrange(1900, 2026))


def draw_time(d: Draw) -> str:
    return f"{d.rng.randrange(24):02d}:{d.rng.randrange(60):02d}"


def draw_age(d: Draw) -> str:
    return str(d.rng.randrange(1, 99))


def draw_sex(d: Draw) -> str:
    return d.rng.choice("MF")


def draw_amt(d: Draw) -> str:
    return d.rng.choice("$£€") + f"{d.rng.randrange(5, 9999)}.{d.rng.randrange(100):02d}"


def draw_noun(d: Draw) -> str:
    """One of some common nouns, of all that the language model's tables know, or a listed thing."""
    if d.rng.random() < 0.08:
        return d.thing()
    return d.rng.choice(WORDS["nouns"] if d.rng.random() < 0.4 else d.nouns) + d.rng.choice(("", "", "", "s"))


def draw_n(d: Draw) -> str:
    return draw_noun(d) if d.rng.random() < 0.7 else f"{draw_noun(d)} {draw_noun(d)}"


def draw_noun_title(d: Draw) -> str:
    noun = draw_noun(d)
    return noun[0].upper() + noun[1:]


def draw_dx(d: Draw) -> str:
    return d.thing("medicine") if d.rng.random() < 0.35 else d.word("dx")


def draw_machine(d: Draw) -> str:
    return d.thing("industry") if d.rng.random() < 0.5 else d.word("machines")


def draw_thing(d: Draw) -> str:
    """What is called by a name and is none."""
    return d.thing()


def draw_term(d: Draw) -> str:
    """A listed thing, an eponym with its head, or any surname, so that the head is what is learnt."""
    if d.rng.random() < 0.4:
        return d.thing()
    if d.rng.random() < 0.65:
        return d.rng.choice(d.terms)
    head = d.rng.choice(d.heads)
    return f"{draw_surname(d)}{d.rng.choice(('', '', chr(39) + 's', '-' + draw_surname(d)))} {head}"


def draw_e(d: Draw) -> str:
    return d.rng.choice(d.terms).split(" ")[0].removesuffix("'s")


def draw_eponym_first(d: Draw) -> str:
    return draw_e(d)
