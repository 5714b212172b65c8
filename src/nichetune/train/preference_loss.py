"""The losses of preference optimisation, pair by pair, from log-probabilities of whole answers.

log p of chosen and rejected answers, by the policy and by the SFT policy that it started from -> loss [pairs]

The formulas are the papers' own; a test holds them against TRL's trainers.
"""

from __future__ import annotations

import math

import torch
from torch.nn.functional import logsigmoid

_LEAST_DOUBT = 1e-6  # of an answer: at p = 1 the odds are infinite


def dpo_loss(chosen: torch.Tensor, rejected: torch.Tensor, beta: float) -> torch.Tensor:
    """Rafailov et al. 2023, equation 7; ln 2 where the policy is still its reference.

    Args:
        chosen, rejected: log p by the policy less log p by the reference, [pairs].
    """
    return -logsigmoid(beta * (chosen - rejected))


def kto_loss(chosen: torch.Tensor, rejected: torch.Tensor, drift: torch.Tensor, beta: float) -> torch.Tensor:
    """Ethayarajh et al. 2024, equations 7 and 8, both answers weighing the same; 1/2 at the start.

    Args:
        chosen, rejected: log p by the policy less log p by the reference, [pairs].
        drift: the same of answers that belong to other prompts, any shape: their mean estimates the divergence.
    """
    zero = drift.mean().clamp(min=0).detach()
    return ((1 - torch.sigmoid(beta * (chosen - zero))) + (1 - torch.sigmoid(beta * (zero - rejected)))) / 2


def orpo_loss(chosen: torch.Tensor, rejected: torch.Tensor, beta: float) -> torch.Tensor:
    """Hong et al. 2024, equations 6 and 7: what SFT pays for the chosen answer, and the odds ratio; no reference.

    Args:
        chosen, rejected: log p by the policy, a token, [pairs].
    """
    odds = log_odds(chosen) - log_odds(rejected)
    return -chosen - beta * logsigmoid(odds)


def log_odds(mean: torch.Tensor) -> torch.Tensor:
    """log(p / (1 - p)) from log p < 0, without cancelling at either end."""
    sure = mean.clamp(max=-_LEAST_DOUBT)
    is_near_one = sure > -math.log(2)
    return sure - torch.where(is_near_one, torch.log(-torch.expm1(sure)), torch.log1p(-torch.exp(sure)))
