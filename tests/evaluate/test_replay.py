"""Agreement: what counts as the same, and that both sides' figures are told."""

from __future__ import annotations

from nichetune.core.records import Candidate, Example, Expected, Message, Prediction, Source
from nichetune.core.settings import FieldSettings, TaskSettings
from nichetune.core.tasks import parse_answer
from nichetune.evaluate.replay import choose_items, compare_answers

TASK = TaskSettings(kind="form", fields={"side": FieldSettings(values=["left", "right"])})
ITEMS = [
    Example(id=f"i{n}", group=f"g{n}", task="t", messages=[Message(role="user", content="?")],
            expected=Expected(fields={"side": "left"}), source=Source(file="f"))
    for n in range(4)
]  # fmt: skip


def predictions(*texts: str) -> list[Prediction]:
    return [
        Prediction(item=item.id, text=text, answer=parse_answer(TASK, text))
        for item, text in zip(ITEMS, texts, strict=True)
    ]


def test_a_text_may_differ_where_the_answer_does_not():
    before = predictions('{"side":"left"}', '{"side":"left"}', "left ear", "left ear")
    after = predictions('{"side":"left"}', '{"side": "left"}', "left ear", "the left ear")
    found = compare_answers(Candidate(rung="qlora", tasks={"t": TASK}), ITEMS, before, after)
    assert (found.same_text.value, found.same_answer.value) == (0.5, 0.75)  # two unreadable texts are no one answer
    assert found.same_text.n == 4
    assert found.same_text.low < 0.5 < found.same_text.high


def test_both_sides_metrics_are_told():
    before = predictions(*['{"side":"left"}'] * 4)
    after = predictions(*['{"side":"left"}'] * 3, '{"side":"right"}')
    change = compare_answers(Candidate(rung="qlora", tasks={"t": TASK}), ITEMS, before, after).metrics["t.exact_form"]
    assert (change.before.value, change.after.value, change.after.n) == (1.0, 0.75, 4)


def test_the_same_items_are_chosen_whatever_their_order():
    chosen = choose_items(ITEMS, 2)
    assert chosen == choose_items(ITEMS[::-1], 2)
    assert len(choose_items(ITEMS, 99)) == 4
