"""What the rules find by form, label and checksum alone, without the tagger: phones, hosts, dates, proven numbers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nichetune.corpus.masking.addresses import find_addresses
from nichetune.corpus.masking.checksums import find_proven
from nichetune.corpus.masking.complete import complete_address, complete_name
from nichetune.corpus.masking.contacts import find_contacts
from nichetune.corpus.masking.dates import find_dates
from nichetune.corpus.masking.eponyms import names_thing
from nichetune.corpus.masking.guesses import trim_guess
from nichetune.corpus.masking.labelled import find_labelled
from nichetune.corpus.masking.phones import find_phones
from nichetune.corpus.masking.plain_words import is_plain
from nichetune.corpus.vocabulary import Vocabulary

RULES = (find_addresses, find_contacts, find_dates, find_labelled, find_phones, find_proven)


def values(find, text: str, entity: str = "") -> list[str]:
    return [text[one.start : one.end] for one in find(text) if not entity or one.entity == entity]


@pytest.mark.parametrize(
    "number",
    ["(503) 555-0140", "503.555.0140 ext. 77", "+1-503-555-0140x123", "001-503-555-0140", "5035550140", "+49 (0)461 555 0128",
     "0485-8888333", "06341 12 63 48", "070 6323 3331", "(03) 9458 1234", "03.45.13.21.11", "645 123 456", "728 456 654",
     "66 456 34 56", "21-32-34-22", "(21) 2345-6789", "+27 82 555 0199", "020 7946 0991"],
)  # fmt: skip
def test_phones_of_many_countries_are_found_with_no_word_beside_them(number):
    assert values(find_phones, f"It was {number} that she gave.") == [number]


@pytest.mark.parametrize(
    "text",
    ["order 0412 555 019", "invoice 503-555-0140", "12 345 678 people", "a debt of 1.234.567 euros", "120 345 000 USD", "lot 00482913",
     "2024-03-14", "14.03.2024", "192.168.10.14", "BP 128/76, pulse 64", "1,234,567.89", "part 555-0140", "$503 555 0140"],
)  # fmt: skip
def test_numbers_of_things_are_no_phones(text):
    assert values(find_phones, text) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [("see www.kellerfamily.org today", "www.kellerfamily.org"), ("at https://example.com.", "https://example.com"),
     ("kellerfamily.org is hers", "kellerfamily.org"), ("go to shop.co.uk/a-b, then", "shop.co.uk/a-b")],
)  # fmt: skip
def test_web_addresses_are_found_with_and_without_scheme(text, value):
    assert values(find_contacts, text, "WEB_ADDRESS")[0] == value


def test_a_missing_space_and_a_file_make_no_web_address():
    assert values(find_contacts, "All done.Then see index.html, Node.js, version 1.2.3") == []


@pytest.mark.parametrize(
    "date",
    ["3 May 1961", "03/14/2024", "2024-03-14", "14.03.2024", "March 3, 2024", "Jan. 4th, '88", "4th of July", "3mar24", "04JUL1976",
     "12 juin 2024", "3 de marzo de 2025"],
)  # fmt: skip
def test_dates_are_found_as_people_write_them(date):
    assert values(find_dates, f"Seen {date}, well.") == [date]


@pytest.mark.parametrize(
    "text", ["120/80", "3.5.2", "in 2011", "12 may be enough", "3 mg", "aged 89", "over 90 years old", "page 4/7"]
)
def test_what_is_no_full_date_and_no_high_age_stays(text):
    assert values(find_dates, text) == []


@pytest.mark.parametrize(
    ("number", "broken"),
    [("4111111111111111", "4111111111111112"), ("DE89370400440532013000", "DE88370400440532013000"),
     ("1M8GDM9AXKP042788", "1M8GDM9A1KP042788"), ("390.533.447-05", "390.533.447-06"), ("12345678Z", "12345678A"),
     ("44051401359", "44051401358"), ("8001015009087", "8001015009088")],
)  # fmt: skip
def test_a_checksum_decides(number, broken):
    assert values(find_proven, f"He gave {number} twice.") == [number]
    assert values(find_proven, f"He gave {broken} twice.") == []


@pytest.mark.parametrize("number", ["4111 1111 1111 1112", "5105-1051-0510-5101", "DE88 3704 0044 0532 0130 00"])
def test_a_card_or_iban_in_its_groups_needs_no_checksum(number):
    assert values(find_proven, f"He gave {number} twice.") == [number]


def test_the_label_decides_about_plain_numbers():
    assert values(find_labelled, "MRN 00482913, badge no. E-2041, lot 00482913") == ["00482913", "E-2041"]


@pytest.mark.parametrize(
    ("text", "name", "is_thing"),
    [("Crohn disease", "Crohn", True), ("a Baker cyst", "Baker", True), ("Miranda rights", "Miranda", True), ("Pelton wheel", "Pelton", True),
     ("has Parkinson's", "Parkinson", True), ("the rule in Rylands v Fletcher", "Rylands", True), ("spoke with Foley", "Foley", False), ("Baker v Clark, costs reserved", "Baker", False), ("the Ostrander letter", "Ostrander", False), ("Mrs Baker called", "Baker", False),
     ("Maria's test results", "Maria", False), ("told Parkinson to leave", "Parkinson", False)],
)  # fmt: skip
def test_a_name_before_disease_or_wrench_is_a_thing(text, name, is_thing):
    start = text.index(name)
    assert names_thing(text, start, start + len(name)) is is_thing


def test_plain_words_are_told_from_names():
    plain = ("costs", "collateral", "Scaffold", "pancreatitis", "allergies", "latex", "HEREBY", "baker", "dock")
    names = ("Keller", "smith", "Brandt", "Leeds", "Maria", "mark", "Giacometti", "parkinson")
    assert all(map(is_plain, plain)) and not any(map(is_plain, names))


@pytest.mark.parametrize(
    ("text", "guess", "entity", "left"),
    [
        ("Dismissed with costs.", "costs", "PERSON", None),
        ("Fraud alert: call.", "Fraud alert", "PERSON", None),
        ("We met Dana Stone there.", "Dana Stone", "PERSON", "Dana Stone"),
        ("We asked Stone there.", "Stone", "PERSON", "Stone"),
        ("keller said no", "keller", "PERSON", "keller"),
        ("Hardness 42 HRC found", "HRC", "LOCATION", None),
        ("go to 4 Elm St near the mill", "4 Elm St near the", "ADDRESS", "4 Elm St"),
        ("pulse 64 regular, thin", "64 regular,", "ADDRESS", None),
        ("it is 12 oak grove, reading", "12 oak grove, reading", "ADDRESS", "12 oak grove, reading"),
    ],
)
def test_a_guess_is_trimmed_of_plain_words(text, guess, entity, left):
    start = text.index(guess)
    found = trim_guess(text, start, start + len(guess), entity, lambda word: False)
    assert (found and text[found[0] : found[1]]) == left


@pytest.mark.parametrize(
    ("text", "part", "whole"),
    [
        ("Tranter, Nkechi (22 March)", "Nkechi", "Tranter, Nkechi"),
        ("Yesterday, Nkechi left", "Nkechi", "Nkechi"),
        ("told Hyun-woo about it", "Hyun", "Hyun-woo"),
        ("for LINDQVIST/ELSA MS and", "LINDQVIST", "LINDQVIST/ELSA MS"),
        ("mrs fenella thibault withdrew cash", "thibault", "fenella thibault"),
        ("Dana Keller agreed", "Dana", "Dana Keller"),
        ("Then Keller left", "Keller", "Keller"),
    ],
)
def test_half_a_name_is_completed(text, part, whole):
    start = text.index(part)
    found = complete_name(text, start, start + len(part), Vocabulary())
    assert text[found.start : found.end] == whole


@pytest.mark.parametrize(
    ("text", "part", "whole"),
    [
        ("lives H.No. 4-12-88, Saroor", "4-12-88, Saroor", "H.No. 4-12-88, Saroor"),
        ("of Tan Lodge, Bryn LL1 4EN.", "LL1 4EN", "Tan Lodge, Bryn LL1 4EN"),
        ("From Leeds LS1 4AP, UK.", "LS1 4AP", "Leeds LS1 4AP, UK"),
        ("near 3 saltbox road, ruidoso, nm 88345 on", "3 saltbox road, ruidoso", "3 saltbox road, ruidoso, nm 88345"),
        ("at 12 Oak St, Austin, Texas, USA. Next", "12 Oak St, Austin", "12 Oak St, Austin, Texas, USA"),
        ("at Kade 7, 3011 AB Rotterdam today", "Kade 7, 3011 AB", "Kade 7, 3011 AB Rotterdam"),
    ],
)
def test_a_part_of_an_address_is_completed(text, part, whole):
    start = text.index(part)
    found = complete_address(text, start, start + len(part), Vocabulary())
    assert text[found.start : found.end] == whole


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.sampled_from("0123456789 -+().,/@:#'ABabcdeМøé\n\t\u00a0dob:MRNwww."), max_size=80))
def test_every_finding_lies_in_its_text_whatever_the_text(text):
    for find in RULES:
        for one in find(text):
            assert 0 <= one.start < one.end <= len(text)
            assert 0 < one.score <= 1
