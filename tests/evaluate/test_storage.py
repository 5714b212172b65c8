"""What a candidate takes to store is a matter of its content."""

from __future__ import annotations

from nichetune.evaluate.run import _folder_bytes


def test_a_stage_that_took_longer_takes_no_more_storage(tmp_path):
    stage = tmp_path / "derived" / "stage"  # a user's own folder may have any name
    (stage / "adapter").mkdir(parents=True)
    (stage / "adapter" / "weights.safetensors").write_bytes(b"12345")
    (stage / "timing.json").write_text('{"seconds": 9.5}')
    quick = _folder_bytes(stage)
    (stage / "timing.json").write_text('{"seconds": 1234.567}')
    (stage / "derived").mkdir()
    (stage / "derived" / "table").write_bytes(b"rebuilt")
    assert _folder_bytes(stage) == quick == 5
