"""Layers merged into the directory that functions see as /opt.

AWS unpacks the layers of a function one after the other into /opt, so of a file that several have
the last one's stays. Files are linked, not copied: a layer of 250 MB is on disk once, and what a
function has of it stays when the layer is deleted.
Source: https://docs.aws.amazon.com/lambda/latest/dg/chapter-layers.html
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

__all__ = ["merge"]


def merge(layers: Sequence[Path], root: Path) -> None:
    """Merge directories, in order, into the new directory ``root``."""
    root.mkdir()
    for layer in layers:
        _add(layer, root)


def _add(source: Path, target: Path) -> None:
    with os.scandir(source) as entries:
        for entry in entries:
            here = target / entry.name
            if entry.is_dir(follow_symlinks=False):
                _make_way(here, for_folder=True)
                here.mkdir(exist_ok=True)
                here.chmod(entry.stat(follow_symlinks=False).st_mode & 0o777)
                _add(Path(entry.path), here)
            else:
                _make_way(here, for_folder=False)
                _link(Path(entry.path), here)


def _make_way(place: Path, *, for_folder: bool) -> None:
    """Delete what an earlier layer has put where a later one has something of another kind."""
    if not os.path.lexists(place):
        return
    is_folder = place.is_dir() and not place.is_symlink()
    if is_folder and not for_folder:
        shutil.rmtree(place)
    elif not is_folder:
        place.unlink()


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except (OSError, NotImplementedError):
        # A file system without links, or with too many of this file.
        shutil.copy2(source, target, follow_symlinks=False)
