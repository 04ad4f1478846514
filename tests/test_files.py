"""Files appear whole or not at all, keep their permissions, and are refused by name."""

import errno
import os
import stat

import pytest

from repdist._files import checked_target, write_text, written_whole


def test_a_file_appears_whole(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def interrupted():
        with written_whole(path) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "old"
    write_text(path, "new\r\n")
    assert path.read_bytes() == b"new\r\n"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


def test_a_file_that_is_replaced_leaves_its_permissions(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(0o640)
    write_text(path, "new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there" / "new.txt")
    write_text(tmp_path / "link", "text")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there" / "new.txt").read_text() == "text"


def test_what_cannot_be_a_file_is_refused(tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "nowhere").symlink_to(tmp_path / "none" / "x.txt")
    (tmp_path / "file").write_text("")
    names = ["", "none/x.txt", "loop", "loop/x.txt", "nowhere", "file/x.txt", "a\0b", "x" * 300]
    for name in names:
        with pytest.raises(ValueError, match="`path` must be a file in an existing folder; got"):
            checked_target(f"{tmp_path}/{name}")
    for wrong in (3, None, b"x"):
        with pytest.raises(TypeError, match="`path` must be a file name"):
            checked_target(wrong)


def test_a_folder_that_cannot_be_written_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(OSError, match="`path` must be in a folder that can be written"):
        write_text(tmp_path / "x.txt", "text")


def test_a_full_disk_is_told_with_the_file(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("old")
    with (
        pytest.raises(OSError, match=r"x\.txt: No space left on device"),
        written_whole(path),
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["x.txt"]
