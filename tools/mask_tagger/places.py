"""Streets, towns and whole addresses as each country writes them."""

from __future__ import annotations

from collections.abc import Callable

from draw import Draw
from lists import WORDS
from people import draw_given, draw_init, draw_invent, draw_last


def draw_c(d: Draw) -> str:
    draw = d.rng.random()
    if draw < 0.2:
        return d.rng.choice(d.values.street_words) + d.word("city_make")
    if draw < 0.25:
        return d.rng.choice(
            ("San ", "Santa ", "Saint ", "St. ", "Port ", "Fort ", "Mount ", "New ", "Lake ", "El ")
        ) + draw_last(d)
    pool = d.values.cities.get(d.locale) or d.values.cities["own"]
    return d.rng.choice(pool if d.rng.random() < 0.7 and pool else d.values.cities["own"])


def draw_num(d: Draw) -> str:
    return str(d.rng.choice((d.rng.randrange(1, 30), d.rng.randrange(1, 400), d.rng.randrange(100, 19999))))


def draw_street(d: Draw) -> str:
    draw = d.rng.random()
    if d.locale in ("en_US", "en_CA", "own", "en_PH") or draw < 0.25:
        street = f"{draw_num(d)} {draw_way(d, 'us')}"
    elif d.locale.startswith(("en_", "ga_", "ha_", "yo_", "ig_", "tw_", "zu_")):
        street = f"{draw_num(d)}{d.rng.choice(('', '', '', 'a', 'B', '/2'))} {draw_way(d, 'uk')}"
    elif draw < 0.6 and d.values.streets.get(d.locale):
        return d.rng.choice(d.values.streets[d.locale])
    else:
        street = draw_foreign_street(d)
    if d.rng.random() < 0.28:
        street = draw_unit(d, street)
    return street


def draw_way(d: Draw, where: str) -> str:
    words = d.rng.choice((d.rng.choice(d.values.street_words), draw_last(d), d.rng.choice(d.values.street_words) + " "
                             + d.rng.choice(d.values.street_words), f"{d.rng.choice((1, 2, 3, 14, 21, 42))}th", draw_c(d),
                             draw_given(d), draw_invent(d)))  # fmt: skip
    side = d.rng.choice(("", "", "", "", "N ", "S. ", "East ", "NW "))
    end = d.word(f"streets_end {where}")
    return f"{side}{words} {end}"


_PLACE_WORDS = ("Haupt", "Bahnhof", "Linden", "Garten", "Kirch", "Schul", "Berg", "Wald", "Mühl", "Sonnen", "Industrie",
                "Kastanje", "Station", "Strand")  # fmt: skip
# What stands for what in the patterns of words.txt.
_MARKS: dict[str, Callable[[Draw], str]] = {
    "{n}": lambda d: draw_num(d),
    "{l}": draw_last,
    "{L}": draw_last,
    "{g}": draw_given,
    "{a}": draw_init,
    "{c}": lambda d: draw_c(d),
    "{z}": lambda d: draw_zip(d),
    "{w}": lambda d: d.rng.choice(d.values.street_words),
    "{W}": lambda d: d.rng.choice(_PLACE_WORDS),
}


def draw_foreign_street(d: Draw) -> str:
    return _fill(d, d.word("street_own"))


def _fill(d: Draw, pattern: str) -> str:
    for mark, draw in _MARKS.items():
        while mark in pattern:
            pattern = pattern.replace(mark, draw(d), 1)
    return pattern


def draw_unit(d: Draw, street: str) -> str:
    draw = d.rng.choice(("Apt {n}", "Apt. {a}{n}", "Suite {n}", "Unit {n}", "#{n}", "Flat {n}", "Floor {n}", "Rm {n}", "apt {n}{a}",
                            "Ste {n}", "Bldg {a}", "Lot {n}", "Apartment {n}", "Block {a}", "Level {n}", "Trlr {n}", "# {n}", "No. {n}",
                            "Apt. {n}", "Suite {n}", "{n}{a}", "Space {n}", "Penthouse {n}", "2nd Floor", "Unit {n}{a}", "Flat {n}{a}", "PMB {n}"))  # fmt: skip
    unit = draw.replace("{n}", str(d.rng.randrange(1, 420))).replace("{a}", draw_init(d))
    return f"{street}{d.rng.choice((', ', ' ', ', '))}{unit}" if d.rng.random() < 0.75 else f"{unit}, {street}"


def draw_zip(d: Draw) -> str:
    r = d.rng
    if d.locale in ("en_US", "own"):
        return f"{r.randrange(1000, 99999):05d}" + (f"-{r.randrange(1000, 9999)}" if r.random() < 0.15 else "")
    if d.locale in ("en_GB", "ga_IE"):
        area = r.choice(
            [
                "B",
                "BA",
                "BD",
                "BS",
                "CB",
                "CF",
                "CH",
                "CT",
                "DE",
                "EH",
                "G",
                "GL",
                "HU",
                "KT",
                "L",
                "LE",
                "LS",
                "M",
                "ME",
                "NE",
                "NG",
                "OX",
                "PL",
                "PR",
                "RG",
                "S",
                "SE",
                "SO",
                "SW",
                "TN",
                "W",
                "WD",
            ]
        )
        return f"{area}{r.randrange(1, 29)}{r.choice((' ', ' ', ' ', ''))}{r.randrange(1, 9)}{r.choice('ABDEFGHJLNP')}{r.choice('ABDEFGHJLNP')}"
    if d.locale.endswith("_CA"):
        return f"{r.choice('ABCEGHJKLMNPRSTVXY')}{r.randrange(9)}{r.choice('ABCEGHJKL')} {r.randrange(9)}{r.choice('ABCEG')}{r.randrange(9)}"
    return r.choice((f"{r.randrange(1000, 9999)}", f"{r.randrange(10000, 99999)}", f"{r.randrange(10000, 99999)}",
                     f"{r.randrange(100, 999)} {r.randrange(10, 99)}", f"{r.randrange(10, 99)}-{r.randrange(100, 999)}",
                     f"{r.randrange(1000, 9999)} {r.choice('ABCDEFGH')}{r.choice('ABCDEFGH')}", f"{r.randrange(100000, 999999)}"))  # fmt: skip


def draw_tail(d: Draw) -> str:
    """Town, region, postcode, as each country writes them."""
    c, z, r = draw_c(d), draw_zip(d), d.rng
    if d.locale in ("en_US", "own"):
        state = d.word("us_states") if r.random() < 0.75 else d.word("us_state_names")
        return r.choice(
            (f"{c}, {state} {z}", f"{c}, {state} {z}", f"{c} {state} {z}", f"{c}, {state}", f"{c}, {state}, {z}", c)
        )
    if d.locale.startswith(("en_", "ga_")):
        return r.choice(
            (
                f"{c} {z}",
                f"{c}, {z}",
                f"{c}, {d.word('regions')} {z}",
                f"{c} {d.word('regions')} {z}",
                c,
                f"{c} - {z}",
            )
        )
    return r.choice((f"{z} {c}", f"{z} {c}", f"{c} {z}", f"{c}, {z}", c, f"{z} {c}, {d.word('countries')}", f"{c}-{z}"))


def draw_adr(d: Draw) -> str:
    if d.rng.random() < 0.18:
        return _fill(d, d.word("addresses_own").replace("\\n", "\n"))
    if d.rng.random() < 0.04:
        return f"{d.rng.choice(('PO Box', 'P.O. Box', 'Box', 'Postfach', 'Casilla', 'Private Bag'))} {draw_num(d)}, {draw_tail(d)}"
    street = draw_street(d)
    draw = d.rng.random()
    if draw < 0.02:
        return draw_military(d)
    if draw < 0.09:
        street = f"{draw_house(d)}, {street}"
    elif draw < 0.14:
        street = draw_house(d)
    elif draw < 0.17 and d.locale == "en_US":
        street = d.rng.choice((f"{draw_num(d)} {d.rng.choice(('County Road', 'State Route', 'Hwy', 'FM', 'CR', 'State Highway', 'US Highway', 'Rural Route'))} {draw_num(d)}",
                                  f"RR {d.rng.randrange(1, 9)} Box {draw_num(d)}", f"{draw_num(d)} {draw_way(d, 'us')} Extension"))  # fmt: skip
    elif draw < 0.19:
        street = d.rng.choice((f"{draw_num(d)} block of {draw_way(d, 'us')}", f"corner of {draw_way(d, 'us')} and {draw_way(d, 'us')}",
                                  f"{draw_num(d)} {d.rng.choice(('N', 'S', 'E', 'W', 'North', 'East'))} {d.rng.choice(d.values.street_words)}",
                                  f"Lot {draw_num(d)} {draw_way(d, 'uk')}", f"RMB {draw_num(d)}", f"{draw_invent(d)}, Co. {draw_last(d)}",
                                  f"Room {d.rng.randrange(1, 40)}, {draw_num(d)} {draw_way(d, 'uk')}", f"{draw_init(d)}{draw_num(d)}, {draw_house(d)}"))  # fmt: skip
    if d.rng.random() < 0.2:
        return street
    home = f", {draw_home(d)}" if d.rng.random() < 0.08 else ""
    return f"{street}{d.rng.choice((', ', ', ', ', ', ' ', chr(10)))}{draw_tail(d)}{home}"


def draw_military(d: Draw) -> str:
    r = d.rng
    place = f"{r.choice(('APO', 'FPO', 'DPO'))} {r.choice(('AE', 'AP', 'AA'))} {r.randrange(9000, 96699):05d}"
    return r.choice((f"PSC {draw_num(d)}, Box {draw_num(d)}, {place}", f"Unit {draw_num(d)} Box {draw_num(d)}, {place}",
                     f"USS {draw_last(d)}, {place}", f"CMR {draw_num(d)} Box {draw_num(d)}\n{place}"))  # fmt: skip


def draw_home(d: Draw) -> str:
    """The country as people of this locale name it."""
    own = {"en_US": ("USA", "United States", "U.S.A.", "US"), "en_GB": ("UK", "United Kingdom", "England", "Wales", "Scotland"),
           "en_CA": ("Canada",), "en_AU": ("Australia",), "en_IN": ("India",), "en_NZ": ("New Zealand",), "en_IE": ("Ireland",)}  # fmt: skip
    return d.rng.choice(own.get(d.locale, WORDS["countries"]))


def draw_adrm(d: Draw) -> str:
    """An address over several lines."""
    draw = d.rng.random()
    if draw < 0.04:
        return draw_military(d).replace(", ", "\n")
    house = f"{draw_house(d)}\n" if draw < 0.15 else ""
    tail = draw_tail(d)
    tail = tail.replace(", ", "\n") if d.rng.random() < 0.25 else tail
    street = draw_street(d)
    street = street.replace(", ", "\n", 1) if d.rng.random() < 0.3 else street
    return house + street + "\n" + tail + (f"\n{draw_home(d)}" if d.rng.random() < 0.2 else "")


def draw_house(d: Draw) -> str:
    """A house, floor or estate by its name."""
    r = d.rng
    name = r.choice(
        (
            d.rng.choice(d.values.street_words),
            draw_last(d),
            draw_invent(d),
            f"The {r.choice(('Old', 'New', 'Little', 'White', 'Red'))}",
            f"{draw_given(d)}'s",
        )
    )
    kind = r.choice(("House", "Cottage", "Lodge", "Farm", "Court", "Mill", "Towers", "Apartments", "Heights", "Villas", "Mansions",
                     "Barn", "Hall", "Manor", "Residence", "Business Park", "Industrial Estate", "Building", "Estate", "Society", "Enclave", "Colony",
                     "Rectory", "Bungalow", "Trailer Park", "Studios"))  # fmt: skip
    number = r.choice(
        (
            "",
            "",
            f"Flat {draw_num(d)}, ",
            f"{draw_num(d)} ",
            f"Studio {draw_num(d)}, ",
            f"{draw_init(d)}-{draw_num(d)}, ",
            f"Unit {draw_num(d)}, ",
        )
    )
    return f"{number}{name} {kind}"


def draw_country(d: Draw) -> str:
    return d.word("countries")
