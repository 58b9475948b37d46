"""Libraries that are installed beside the lab, as files for a package or a layer.

On AWS one would write ``pip install --target``; here what is installed already is taken, so nothing
has to be fetched. Its compiled parts fit this machine and this Python.
"""

from __future__ import annotations

from importlib import metadata

from lambdalab.lab.errors import PackageError

__all__ = ["library"]


def library(name: str, folder: str = "") -> dict[str, bytes]:
    """Return the files of an installed distribution by name, below ``folder``.

    Without those that it depends on, and without its programs. Raises PackageError when it is not
    installed.
    """
    try:
        files = metadata.files(name) or []
    except (metadata.PackageNotFoundError, ValueError):
        raise PackageError(f"{name!r} is not installed here: pip install it first") from None
    inside = [file for file in files if ".." not in file.parts and "__pycache__" not in file.parts]
    found = {str(file): file.locate() for file in inside}
    below = f"{folder.strip('/')}/" if folder.strip("/") else ""
    return {
        f"{below}{where}": path.read_bytes()  # type: ignore[attr-defined]
        for where, path in found.items()
        if path.is_file()  # type: ignore[attr-defined]
    }
