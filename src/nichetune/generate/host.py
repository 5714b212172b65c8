"""Who is asked over OpenAI's chat API: a rung of the ladder or a judge, where it stands, and with which key.

    Host.of_rung("big", settings.remote["big"]).read_key() -> the value of BIG_KEY

The key is read where a request is made, and stands in no record, message or log.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from nichetune.core.errors import UserError
from nichetune.core.settings import AskingSettings, JudgeSettings, RemoteSettings


@dataclass(frozen=True)
class Host:
    """Who is asked.

    Attributes:
        place: where the settings name it, for messages: `remote.big`.
        seed: sent along; None sends none.
        is_priced: whether answers without the host's count of tokens are refused.
    """

    place: str
    url: str
    model: str
    asking: AskingSettings
    seed: int | None = None
    is_priced: bool = False

    @classmethod
    def of_rung(cls, name: str, remote: RemoteSettings) -> Host:
        """The host of rung `remote:NAME`."""
        priced = bool(remote.usd_per_1m_input or remote.usd_per_1m_output)
        return cls(f"remote.{name}", remote.url, remote.model, remote, remote.seed, priced)

    @classmethod
    def of_judge(cls, judge: JudgeSettings) -> Host:
        """The judge that stands elsewhere."""
        return cls("judge", judge.url, judge.model, judge)

    def read_key(self) -> str:
        """The key, from the environment; empty where none is sent.

        Raises:
            UserError: the variable is not set, or holds what no header can.
        """
        variable = self.asking.key_env
        if not variable:
            return ""
        key = os.environ.get(variable, "").strip()
        where = f"{self.place}.key_env: "
        if not key:
            raise UserError(f"{where}the environment has no {variable}: export the key there")
        if not (key.isascii() and key.isprintable()):
            raise UserError(f"{where}{variable} holds signs that no key has, such as a line break: export it anew")
        return key
