"""The ctci that runs here as a wheel, from its own files: an image is made of it, wherever it was installed from."""

import base64
import hashlib
import io
import zipfile
from importlib import metadata
from pathlib import Path

import ctci

PACKAGE = Path(__file__).parent
#: What a wheel says of itself beside what was installed.
WHEEL = "Wheel-Version: 1.0\nGenerator: ctci\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


class WheelError(Exception):
    """ctci is not installed here; the message says what helps."""


def name() -> str:
    """The name of its file."""
    return f"ctci-{ctci.__version__}-py3-none-any.whl"


def made() -> bytes:
    """The wheel. Raises WheelError."""
    try:
        installed = metadata.distribution("ctci")
    except metadata.PackageNotFoundError as error:
        raise WheelError("ctci runs here without being installed; `pip install .` does that") from error
    folder = f"ctci-{ctci.__version__}.dist-info"
    held = {path.relative_to(PACKAGE.parent).as_posix(): path for path in sorted(PACKAGE.rglob("*")) if _is_ours(path)}
    files = {where: path.read_bytes() for where, path in held.items()}
    files[f"{folder}/METADATA"] = (installed.read_text("METADATA") or "").encode()
    files[f"{folder}/entry_points.txt"] = (installed.read_text("entry_points.txt") or "").encode()
    files[f"{folder}/WHEEL"] = WHEEL.encode()
    record = "".join(f"{where},sha256={_digest(content)},{len(content)}\n" for where, content in files.items())
    files[f"{folder}/RECORD"] = f"{record}{folder}/RECORD,,\n".encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for where, content in files.items():
            # Of no time, so that the same files make the same wheel.
            entry = zipfile.ZipInfo(where)
            entry.compress_type = zipfile.ZIP_DEFLATED
            mode = held[where].stat().st_mode if where in held else 0o100644
            entry.external_attr = (mode | 0o444) << 16
            archive.writestr(entry, content)
    return out.getvalue()


def _is_ours(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
