"""Sentences put together from parts, so that few contexts of a name are alike."""

from __future__ import annotations

from draw import Draw
from lists import WORDS
from things import draw_noun


def draw_say(d: Draw) -> str:
    """A sentence put together from parts, so that few contexts of a name are alike."""
    r = d.rng
    who = [r.choice(("{p}", "{p}", "{pf}", "{pt}", "{p} and {p}", "{pf} and {pf}", f"{d.word('roles')} {{p}}", f"the {d.word('roles')}, {{p}},",
                     f"{{p}}, {d.word('roles')} at {{o}},", f"{{p}} ({d.word('roles')})", f"our {d.word('roles')} {{pf}}", "{plo}",
                     f"the {d.word('roles')}", "somebody", f"my {d.word('roles')}", "{o}", "she", "they")) for _ in range(3)]  # fmt: skip
    when, where, noun = d.word("when"), d.word("where"), draw_noun(d)
    verb = r.choice(WORDS["verbs"] if r.random() < 0.5 else d.past)
    deed = r.choice(WORDS["deeds"] if r.random() < 0.5 else d.past)
    sentence = r.choice((
        f"{who[0]} {verb} {who[1]} {when}", f"{who[0]} {deed} the {noun} {where}", f"{who[0]} {deed} a {noun} for {who[1]} {when}",
        f"the {noun} was {deed} by {who[0]} {when}", f"{when}, {who[0]} {verb} {who[1]} {where}", f"{who[0]} says {who[1]} {deed} the {noun}",
        f"did {who[0]} {r.choice(('call', 'pay', 'answer', 'leave', 'sign'))} {when}?", f"{deed} by {who[0]}", f"{verb} {who[0]} re {noun}",
        f"{who[0]} {deed} the {noun}; {who[1]} {verb} {who[2]}", f"{d.word('roles')}: {{p}}", f"waiting for {who[0]} {where}",
        f"per {who[0]}, the {noun} is {deed}", f"{who[0]}'s {noun} was {deed} {when}", f"give the {noun} to {who[0]} or {who[1]}",
        f"{who[0]} lives {r.choice(('at', 'in'))} {{adr}} and {deed} the {noun}", f"{who[0]} will be {where} with {who[1]} {when}",
        f"{noun} {deed}, {who[0]} {verb} {when}", f"no {noun} for {who[0]}: {who[1]} {deed} it", f"{{adr}}: {noun} {deed} by {who[0]}",
    ))  # fmt: skip
    sentence = sentence[0].upper() + sentence[1:] if sentence[0] != "{" and r.random() < 0.8 else sentence
    return sentence + r.choice((".", ".", ".", "", "!", ";"))
