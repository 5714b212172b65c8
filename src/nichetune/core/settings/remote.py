"""Models behind OpenAI's chat API: where one answers, how hard it may be asked, what it costs as a rung."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from nichetune.core.settings.section import Section

REMOTE = "remote:"


def check_address(url: str) -> str:
    """An address to which `/chat/completions` is added.

    Raises:
        ValueError: it is none, or holds what may be a key.
    """
    if not url.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    if not _names_host(url):
        raise ValueError("names no host, or a port that is no number")
    if "@" in url.split("/")[2] or "?" in url or "#" in url:
        raise ValueError("a user or key does not belong in the address: name a variable in `key_env`")
    return url.rstrip("/").removesuffix("/chat/completions")


def _names_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


class AskingSettings(Section):
    """How a host is asked; none of it decides an answer."""

    key_env: str = Field(
        "", description="Environment variable that holds the key; empty: none is sent. A key never stands in a file."
    )
    concurrency: int = Field(4, ge=1, le=256, description="Requests under way at once.")
    requests_per_minute: float = Field(0.0, ge=0, description="Most requests a minute; 0: no limit of ours.")
    timeout_s: float = Field(60.0, gt=0, description="Seconds to wait for one answer.")
    retries: int = Field(
        5,
        ge=0,
        le=20,
        description="Further tries after 429, 5xx or no connection; waits double from half a second.",
    )


HOW_IT_IS_ASKED = frozenset(AskingSettings.model_fields)


class RemoteSettings(AskingSettings):
    """A model behind OpenAI's chat API, asked as rung `remote:NAME`. Its prompts leave this machine."""

    url: str = Field(description="Up to and without `/chat/completions`, such as https://host/v1.")
    model: str = Field(description="The model's name there.", min_length=1)
    allow: bool = Field(False, description="Your consent: sealed questions (not their answers) go there.")
    usd_per_1m_input: float = Field(0.0, ge=0, description="Price of a million prompt tokens, in US dollars.")
    usd_per_1m_output: float = Field(0.0, ge=0, description="Price of a million answer tokens, in US dollars.")
    seed: int = Field(0, ge=0, description="Sent along; temperature is 0. Hosts promise no equal answers all the same.")

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        return check_address(url)

    @model_validator(mode="after")
    def _check_consent(self) -> RemoteSettings:
        if not self.allow:
            raise ValueError("sealed questions would leave this machine: say `allow: true` if they may")
        return self
