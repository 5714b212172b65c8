"""Templates: the right tokens are supervised, whatever the family's style."""

from __future__ import annotations

import copy

import pytest
from tokenizers.processors import TemplateProcessing

from nichetune.core.errors import UserError
from nichetune.core.records import Message
from nichetune.models.templates import encode_chat, encode_prompt, end_of_turn_ids
from nichetune.train.data import encode_examples

CHAT = [
    Message(role="system", content="Be brief."),
    Message(role="user", content="Which side?"),
    Message(role="assistant", content="The right one."),
]

# Written for this test in the style of the main families: with and without markers, system role, BOS.
STYLES = {
    "chatml": "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
    "headers": "<|im_start|>{% for m in messages %}### {{ m.role }}:\n\n{{ m.content }}<|im_end|>{% endfor %}"
    "{% if add_generation_prompt %}### assistant:\n\n{% endif %}",
    "no system": "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
    "{% for m in messages %}<|im_start|>{{ 'model' if m.role == 'assistant' else 'user' }}\n{{ m.content }}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>model\n{% endif %}",
    "brackets": "{% for m in messages %}{% if m.role == 'assistant' %} {{ m.content }}<|im_end|>"
    "{% else %}[INST] {{ m.content }} [/INST]{% endif %}{% endfor %}",
    "markers": "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role == 'assistant' %}{% generation %}"
    "{{ m.content }}<|im_end|>{% endgeneration %}{% else %}{{ m.content }}<|im_end|>{% endif %}\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
    "no end": "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}",
}


@pytest.fixture(params=["own", *STYLES])
def styled(request, tokenizer):
    if request.param == "own":
        return tokenizer
    changed = copy.deepcopy(tokenizer)
    changed.chat_template = STYLES[request.param]
    return changed


def test_just_the_answer_and_its_end_are_supervised(styled):
    chat = encode_chat(styled, CHAT)
    taught = [i for i, s in zip(chat.ids, chat.supervised, strict=True) if s]
    assert styled.decode(taught[:-1]).strip() == "The right one."
    assert taught[-1] in end_of_turn_ids(styled)


def test_training_and_generation_see_the_same_prompt_ids(styled):
    chat = encode_chat(styled, CHAT)
    prompt = encode_prompt(styled, CHAT[:-1])
    assert chat.ids[: len(prompt)] == prompt
    assert not any(chat.supervised[: len(prompt)])


def test_bos_is_not_doubled(styled):
    ids = encode_chat(styled, CHAT).ids
    assert ids[:2] != [styled.bos_token_id] * 2


def test_bos_is_not_doubled_by_a_tokenizer_that_adds_its_own(tokenizer):
    changed, bos = copy.deepcopy(tokenizer), tokenizer.bos_token
    changed.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"{bos} $A", special_tokens=[(bos, tokenizer.bos_token_id)]
    )
    changed.chat_template = "{{ bos_token }}" + STYLES["brackets"]
    assert changed("a")["input_ids"][0] == tokenizer.bos_token_id
    assert encode_chat(changed, CHAT).ids.count(tokenizer.bos_token_id) == 1
    assert encode_prompt(changed, CHAT[:-1]).count(tokenizer.bos_token_id) == 1


def test_a_template_that_leaves_the_answer_out_teaches_nothing_and_is_refused(tokenizer):
    changed = copy.deepcopy(tokenizer)
    changed.chat_template = STYLES["chatml"].replace("{{ m.content }}", "{{ m.content if m.role != 'assistant' }}")
    with pytest.raises(UserError, match="no training example is left that teaches"):
        encode_examples(changed, {"one": CHAT}, 512, "refuse")


def test_a_conversation_without_an_answer_is_refused(tokenizer):
    with pytest.raises(UserError, match="assistant"):
        encode_chat(tokenizer, CHAT[:-1])
