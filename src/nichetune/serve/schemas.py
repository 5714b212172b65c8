"""What a client may ask, and what is refused because it would be ignored otherwise.

Reads the body of POST /v1/chat/completions -> ChatRequest:

    {"model": "production", "task": "triage", "messages": [{"role": "user", "content": "Arcus senilis, OD."}]}

OpenAI's own fields, and two of ours: `task` (or `model: "production:triage"`) and `tenant`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from nichetune.serve.errors import ApiError

MAX_TEXT_BYTES = 64 * 1024
# JSON writes a byte of text as six at most (\u0000): 6 * 64 KiB = 384 KiB, and room for the fields around it.
MAX_BODY_BYTES = 8 * MAX_TEXT_BYTES

# Values under which a parameter changes nothing: clients send them by habit. Any other value is refused.
_NEUTRAL: dict[str, list[Any]] = {
    "temperature": [None, 0],
    "n": [None, 1],
    "stop": [None, "", []],
    "presence_penalty": [None, 0],
    "frequency_penalty": [None, 0],
    "logit_bias": [None, {}],
    "logprobs": [None, False],
    "top_logprobs": [None, 0],
    "tools": [None, []],
    "tool_choice": [None, "none", "auto"],
    "response_format": [None, {"type": "text"}],
    "modalities": [None, ["text"]],
    "store": [None, False],
}
# Without influence on a greedy answer, whatever they say.
_WITHOUT_EFFECT = {"seed", "top_p", "user", "metadata", "safety_identifier", "prompt_cache_key", "service_tier"}


def _check_unicode(text: str) -> str:
    """JSON can hold half a surrogate pair, which is no text: tokenizers and databases choke on it."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("half of a surrogate pair is not text")
    return text


Text = Annotated[str, AfterValidator(_check_unicode)]


class TextPart(BaseModel):
    """A part of a message; only text is understood."""

    type: Literal["text"]
    text: Text


class ChatMessage(BaseModel):
    """One turn; what else a client's history holds (names, old tool calls) is not looked at."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Text | list[TextPart] | None = None

    @property
    def text(self) -> str:
        """The turn's text, its parts joined."""
        parts = self.content or ""
        return parts if isinstance(parts, str) else "\n".join(part.text for part in parts)


class StreamOptions(BaseModel):
    """Whether a stream ends with a chunk that counts tokens."""

    include_usage: bool = False


class ChatRequest(BaseModel):
    """A question."""

    model_config = ConfigDict(extra="allow")  # kept in `model_extra`, for `refuse_unsupported` to judge

    model: Text = Field(min_length=1, max_length=200)
    messages: list[ChatMessage] = Field(min_length=1)
    stream: bool = False
    stream_options: StreamOptions | None = None
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    task: Text | None = Field(None, max_length=200)
    tenant: Text = Field("default", min_length=1, max_length=200)

    @property
    def question(self) -> str:
        """The text to answer: the last user turn."""
        return next((m.text for m in reversed(self.messages) if m.role == "user"), "")

    @property
    def unread_messages(self) -> int:
        """Turns that the answer does not depend on: a candidate brings its own instruction, and answers one turn."""
        return len(self.messages) - 1

    @property
    def token_cap(self) -> int | None:
        """The longest answer that the client wants, in tokens."""
        return min((n for n in (self.max_tokens, self.max_completion_tokens) if n is not None), default=None)


def refuse_unsupported(request: ChatRequest) -> None:
    """Refuses what would be ignored in silence.

    Raises:
        ApiError: 400 for a parameter that would change the answer or that nobody knows, or when there is nothing to
            answer; 413 for too much text.
    """
    for name, value in (request.model_extra or {}).items():
        if name not in _WITHOUT_EFFECT and value not in _NEUTRAL.get(name, []):
            raise _refuse_parameter(name)
    if sum(len(message.text.encode()) for message in request.messages) > MAX_TEXT_BYTES:
        raise ApiError(413, f"messages: more than {MAX_TEXT_BYTES:,} bytes of text", "request_too_large", "messages")
    if not request.question.strip():
        raise ApiError(400, "messages: no user message with text to answer", "invalid_value", "messages")


def _refuse_parameter(name: str) -> ApiError:
    known = name in _NEUTRAL
    shown = name if name.isidentifier() and len(name) <= 40 else "a field"  # a stray key may be someone's text
    why = "with this value: answers are greedy, one at a time, plain text without tools" if known else "here"
    return ApiError(400, f"{shown} is not supported {why}; leave it out", "unsupported_parameter", shown)
