"""Text that was decoded wrongly is repaired where that is certain, else put aside with its place; good text stays."""

from __future__ import annotations

import pytest
from corpus_tools import ingest_files, lines, make_settings, read_lines

from nichetune.corpus.reading.mojibake import LOST, MOJIBAKE, mend_values

# Right texts in many scripts, which no repair may touch.
RIGHT = [
    "Menière’s disease; señor Müllner, 20 °C, µg — “quoted”, naïve café",
    "Œuvre, Ærø, Ångström, İstanbul, Łódź, Čapek",
    "Катаракта правого глаза", "Γλαύκωμα δεξιού οφθαλμού", "白内障の手術。", "백내장 수술", "מחלת עיניים", "مرض العين",
    "मोतियाबिंद", "ต้อกระจก", "é alone", "Größe: 3 × 4 m², ½ Liter", "100 € für 5 Stück", "👁️ eye 🙂",
    "MANHÃ E TARDE, A MAÇÃ É BOA", "ÎLE-DE-FRANCE, DÉJÀ VU À PARIS", "n̈ and é",
]  # fmt: skip


def wrong(text: str, encoding: str = "cp1252") -> str:
    """The text as another program shows it that takes its UTF-8 for another encoding."""
    return text.encode().decode(encoding)


@pytest.mark.parametrize("text", RIGHT)
def test_right_text_is_never_touched(text):
    mended = mend_values({"note": text}, "repair")
    assert (mended.values, mended.repaired, mended.problem) == ({"note": text}, 0, "")


@pytest.mark.parametrize("text", ["Menière’s disease, señor Müllner", "20 °C – naïve café", "Größe prüfen"])
@pytest.mark.parametrize("times", [1, 2])
def test_mojibake_is_undone_however_deep_it_lies(text, times):
    broken = text
    for _ in range(times):
        broken = wrong(broken, "latin-1")
    mended = mend_values({"turns": [{"content": broken}]}, "repair")
    assert (mended.values["turns"][0]["content"], mended.repaired) == (text, 1)


def test_lost_characters_are_refused_in_a_record_and_borne_in_a_long_passage():
    assert mend_values({"note": "Meni\ufffdre"}, "repair").problem == LOST
    assert mend_values({"text": "\ufffd " + "word " * 100}, "repair").problem == ""
    assert mend_values({"text": "\ufffd " * 20 + "word " * 100}, "repair").problem == LOST


def test_the_rule_decides():
    broken = wrong("Menière’s")
    assert mend_values({"note": broken}, "refuse").problem == MOJIBAKE
    assert mend_values({"note": broken}, "keep").values == {"note": broken}


def test_repairs_are_counted_and_refusals_keep_their_place(tmp_path):
    good = [{"text": f"mail {n}", "label": "billing"} for n in range(20)]
    bad = [
        {"text": wrong("Wo ist meine Rechnung über Möbel?"), "label": "billing"},
        {"text": "M\ufffdbel", "label": "billing"},
    ]
    settings = make_settings([{"path": "mail.jsonl", "task": "route"}])
    out, report = ingest_files(tmp_path, {"mail.jsonl": lines(*good, *bad)}, settings)
    assert read_lines(out / "examples.jsonl")[-1]["messages"][0]["content"] == "Wo ist meine Rechnung über Möbel?"
    assert report.facts["mojibake_repaired"] == 1
    assert report.dropped == {LOST: 1}
    [aside] = read_lines(out / "quarantine.jsonl")
    assert (aside["source"]["file"], aside["source"]["line"]) == ("mail.jsonl", 22)
    assert "bel" not in (out / "quarantine.jsonl").read_text()


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32", "shift_jis", "gb18030", "cp1253"])
def test_other_encodings_without_a_mark_are_recognised(tmp_path, encoding):
    text = {
        "shift_jis": "右眼の白内障の手術を受けた患者が今朝診察に来ました。",
        "gb18030": "病人今天早上因右眼白内障来诊所检查，情况良好。",
        "cp1253": "Ο ασθενής εξετάστηκε σήμερα το πρωί για καταρράκτη στο δεξί μάτι.",
    }.get(encoding, "Seen this morning: Menière in the left ear.")  # fmt: skip
    settings = make_settings([{"path": "mail.csv", "task": "route"}])
    data = "\n".join(["text,label", *[f"{text},billing"] * 3, ""]).encode(encoding)
    out, report = ingest_files(tmp_path, {"mail.csv": data}, settings)
    assert [one["messages"][0]["content"] for one in read_lines(out / "examples.jsonl")] == [text] * 3
    assert not report.dropped
