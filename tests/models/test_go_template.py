"""The Modelfile's template: Go's language says what Jinja's said, or nothing is written."""

from __future__ import annotations

import copy

import pytest

from nichetune.core.errors import UserError
from nichetune.models.go_template import render_go, translate_template

CHAT = [
    {"role": "system", "content": "Code the current finding."},
    {"role": "user", "content": "Lattice corneal dystrophy,\nOD {{ 12 }}"},
]
# Written for this test in the style of the main families.
WRAPPING = {
    "chatml": "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
    "headers with bos": "{{ bos_token }}{% for m in messages %}<h>{{ m.role }}</h>\n\n{{ m.content | trim }}<eot>"
    "{% endfor %}{% if add_generation_prompt %}<h>assistant</h>\n\n{% endif %}",
    "headers with a system turn always": "<h>system</h>\n\nCutting day: 1 May.\n\n"
    "{% if messages[0].role == 'system' %}{{ messages[0].content }}{% set rest = messages[1:] %}{% else %}"
    "{% set rest = messages %}{% endif %}<eot>{% for m in rest %}<h>{{ m.role }}</h>\n\n{{ m.content }}<eot>"
    "{% endfor %}{% if add_generation_prompt %}<h>assistant</h>\n\n{% endif %}",
    "bars": "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}{{ eos_token }}\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}",
    "thinks at its last turn": "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if loop.last and m.role == 'assistant' %}<think>\n\n</think>\n\n{% endif %}{{ m.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
}
DOING_MORE = {
    "system in the last user turn": "{% for m in messages %}{% if m.role == 'user' %}[INST] "
    "{% if loop.last and messages[0].role == 'system' %}{{ messages[0].content }}\n\n{% endif %}{{ m.content }}[/INST]"
    "{% elif m.role == 'assistant' %} {{ m.content }}</s>{% endif %}{% endfor %}",
    "numbered turns": "{% for m in messages %}{{ loop.index }} {{ m.role }}: {{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}",
    "no system": "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
    "rewrites what is said": "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{{ m.content | replace('?', '!') }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
}


def styled(tokenizer, text: str):
    changed = copy.deepcopy(tokenizer)
    changed.chat_template = text
    return changed


@pytest.mark.parametrize("style", ["own", *WRAPPING])
def test_the_go_template_renders_the_models_own_prompt(tokenizer, style):
    used = tokenizer if style == "own" else styled(tokenizer, WRAPPING[style])
    template = translate_template(used)
    for chat in (CHAT, CHAT[1:]):
        assert render_go(template, chat) == used.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)


def test_a_beginning_that_the_reader_adds_is_left_out(tokenizer):
    used = styled(tokenizer, WRAPPING["headers with bos"])
    prompt = used.apply_chat_template(CHAT, tokenize=False, add_generation_prompt=True)
    assert used.bos_token + render_go(translate_template(used, skip=used.bos_token), CHAT) == prompt


@pytest.mark.parametrize("style", DOING_MORE)
def test_a_template_that_does_more_is_refused(tokenizer, style):
    with pytest.raises(UserError, match="Go form"):
        translate_template(styled(tokenizer, DOING_MORE[style]))


@pytest.mark.parametrize(
    ("template", "prompt"),
    [
        ("a{{ if .System }}<{{ .System }}>{{ else }}none{{ end }}b", "a<s>b"),
        ('{{ range .Messages }}{{ if eq .Role "user" }}U{{ .Content }}{{ else if eq .Role "assistant" }}A{{ end }}'
         "{{ end }}!", "UuAUv!"),
        ('{{ range .Messages }}{{ if eq .Role "system" }}{{ .Content }}{{ else }}-{{ end }}{{ end }}', "s---"),
    ],
)  # fmt: skip
def test_go_templates_are_read_as_go_reads_them(template, prompt):
    turns = [("system", "s"), ("user", "u"), ("assistant", "a"), ("user", "v")]
    assert render_go(template, [{"role": role, "content": content} for role, content in turns]) == prompt
