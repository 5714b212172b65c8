"""What all settings sections have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Base of all settings sections: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", validate_default=True)
