"""What a candidate takes to store is a matter of its content."""

from __future__ import annotations

from nichetune.evaluate.run import _folder_bytes


def test_a_stage_that_took_longer_takes_no_more_storage(tmp_path):
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "weights.safetensors").write_bytes(b"12345")
    (tmp_path / "timing.json").write_text('{"seconds": 9.5}')
    quick = _folder_bytes(tmp_path)
    (tmp_path / "timing.json").write_text('{"seconds": 1234.567}')
    (tmp_path / "derived").mkdir()
    (tmp_path / "derived" / "table").write_bytes(b"rebuilt")
    assert _folder_bytes(tmp_path) == quick == 5
