"""How to get the same numbers again: the resolved settings, every digest, the versions and the commands.

Material -> `Provenance`; settings that say where and not what (folders, URLs, ports) are left out
"""

from __future__ import annotations

from dataclasses import dataclass

import yaml

from nichetune.report.material import Material

# They change no content, and a registry's URL may hold a password.
_LEFT_OUT = {"run_dir", "registry", "serve", "data", "sweep"}


@dataclass(frozen=True)
class StageDigest:
    """One stage's content digest, and those of what it read."""

    name: str
    digest: str
    inputs: list[tuple[str, str]]


@dataclass(frozen=True)
class CandidateDigests:
    """What one rung was made of; empty where it has no such part."""

    rung: str
    base: str
    adapter: str
    index: str


@dataclass(frozen=True)
class Provenance:
    """What an auditor compares."""

    benchmark_digest: str
    seed: int
    settings: str
    stages: list[StageDigest]
    candidates: list[CandidateDigests]
    versions: list[tuple[str, str]]
    durability: str


def build_provenance(run: Material) -> Provenance:
    """Collects it from the manifests and the verdict."""
    plain = run.settings.model_dump(mode="json", by_alias=True, exclude=_LEFT_OUT)
    return Provenance(
        benchmark_digest=str(run.verdict["benchmark_digest"]),
        seed=run.settings.seed,
        settings=yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=100),
        stages=[
            StageDigest(name, str(m.get("digest", "")), sorted(m.get("inputs", {}).items()))
            for name, m in run.manifests.items()
        ],
        candidates=[
            CandidateDigests(rung.name, one.base_digest, one.adapter_digest, one.index_version)
            for rung in run.rungs
            if (one := rung.candidate) is not None
        ],
        versions=_join_versions(run),
        durability=str(run.verdict.get("durability", "")),
    )


def _join_versions(run: Material) -> list[tuple[str, str]]:
    """Each package once; where stages ran with different versions, all of them."""
    found: dict[str, set[str]] = {}
    for manifest in run.manifests.values():
        for package, version in manifest.get("versions", {}).items():
            found.setdefault(package, set()).add(str(version))
    return [(package, ", ".join(sorted(versions))) for package, versions in sorted(found.items())]
