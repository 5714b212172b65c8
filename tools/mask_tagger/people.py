"""Names of people as they are written, and what is made of names: handles, mail addresses, relations."""

from __future__ import annotations

from draw import Draw


def draw_given(d: Draw) -> str:
    given = d.values.given.get(d.locale) or d.values.given["en_US"]
    name = d.rng.choice(given)
    if d.rng.random() < 0.05:
        name = draw_invent(d)
    if d.rng.random() < 0.05:
        second = d.rng.choice(given)
        return f"{name}-{second if d.rng.random() < 0.5 else second.lower()}".replace(" ", "-")
    return name.split()[0] if d.rng.random() < 0.9 else name


def draw_invent(d: Draw) -> str:
    """A name that no list has, so that lists are not all that is learnt."""
    parts = [
        "ka",
        "mi",
        "ro",
        "bel",
        "tan",
        "shu",
        "ven",
        "dri",
        "zo",
        "lar",
        "qui",
        "fen",
        "gor",
        "hal",
        "ist",
        "jo",
        "kle",
        "mon",
        "nar",
        "pel",
        "ri",
        "sa",
        "thu",
        "ul",
        "vor",
        "wen",
        "yas",
        "zel",
    ]
    return "".join(d.rng.sample(parts, d.rng.choice((2, 3)))).capitalize() + d.rng.choice(("", "n", "s", "a", "o"))


def draw_last(d: Draw) -> str:
    last = d.rng.choice(d.values.last.get(d.locale) or d.values.last["en_US"])
    draw = d.rng.random()
    if draw < 0.06:
        last += "-" + d.rng.choice(d.values.last[d.locale] or [last])
    elif draw < 0.10:
        last = (
            d.rng.choice(("van ", "de ", "van der ", "von ", "Mc", "Mac", "O'", "Al-", "El ", "da ", "di ", "bin "))
            + last
        )
    elif draw < 0.14:
        last = draw_invent(d)
    return last


def draw_init(d: Draw) -> str:
    return d.rng.choice("ABCDEFGHIJKLMNOPRSTVWZ")


def draw_p(d: Draw) -> str:
    draw, g, last = d.rng.random(), draw_given(d), draw_last(d)
    if draw < 0.60:
        return f"{g} {last}"
    if draw < 0.70:
        return f"{g} {draw_init(d)}. {last}"
    if draw < 0.76:
        return f"{g} {draw_given(d)} {last}"
    if draw < 0.80:
        return f"{draw_init(d)}. {last}"
    if draw < 0.83:
        return f"{draw_init(d)}.{draw_init(d)}. {last}"
    if draw < 0.86:
        return f"{g} {last} {d.word('suffixes')}"
    if draw < 0.90:
        return f"{last} {g}"
    if draw < 0.96:
        return f"{d.word('titles')} {g} {last}"
    return f"{g} {last} {draw_last(d)}"


def draw_pl(d: Draw) -> str:
    return draw_last(d)


def draw_plo(d: Draw) -> str:
    return draw_last(d)


def draw_pf(d: Draw) -> str:
    return draw_given(d)


def draw_pfo(d: Draw) -> str:
    return draw_given(d)


def draw_pt(d: Draw) -> str:
    title, draw = d.word("titles"), d.rng.random()
    return f"{title} {draw_last(d)}" if draw < 0.7 else f"{title} {draw_given(d)} {draw_last(d)}"


def draw_pr(d: Draw) -> str:
    tail = f" {draw_init(d)}." if d.rng.random() < 0.2 else ""
    return f"{draw_last(d)}, {draw_given(d)}{tail}"


def draw_pslash(d: Draw) -> str:
    return f"{draw_last(d)}/{draw_given(d)} {d.rng.choice(('MR', 'MS', 'MRS'))}".upper()


def draw_surname(d: Draw) -> str:
    return d.rng.choice(d.values.last.get(d.locale) or d.values.last["en_US"]).split(" ")[-1]


def draw_rel(d: Draw) -> str:
    return d.rng.choice(
        [
            "wife",
            "husband",
            "son",
            "daughter",
            "mother",
            "father",
            "sister",
            "brother",
            "partner",
            "aunt",
            "uncle",
            "guardian",
            "carer",
            "friend",
        ]
    )


def draw_handle(d: Draw) -> str:
    base = d.rng.choice((draw_given(d), draw_last(d), draw_invent(d))).lower().replace(" ", "")
    return d.rng.choice(("@", "", "")) + base + d.rng.choice(("_", ".", "")) + str(d.rng.randrange(1, 2000))


def draw_email(d: Draw) -> str:
    return f"{draw_given(d)}.{draw_last(d)}@example.{d.rng.choice(('com', 'org', 'net'))}".lower().replace(" ", "")
