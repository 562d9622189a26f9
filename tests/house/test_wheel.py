"""`pip install .` gives a package that stands alone: the extension module holds the library."""

import os
import subprocess
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv" / "bin" / "python"


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_wheel(tmp_path):
    run([PYTHON, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path, ROOT])
    (wheel,) = tmp_path.glob("tenon-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert any(name.endswith(".data/scripts/tenon") for name in names)
    assert not [name for name in names if name.endswith((".c", ".h", "meson.build")) or "__pycache__" in name]
    assert wheel.stat().st_size < 8_000_000
    target = tmp_path / "site"
    run([PYTHON, "-m", "pip", "install", "--quiet", "--no-deps", "--target", target, wheel])
    program = "import tenon, tenon._core; print(tenon.__file__); print(tenon._core.version())"
    env = {**os.environ, "PYTHONPATH": str(target)}
    where, version = run([PYTHON, "-c", program], env=env, cwd=tmp_path).split()
    assert Path(where).is_relative_to(target) and version in wheel.name
    listing = run(["ldd", next(target.rglob("_core*.so"))])
    assert "libtenon" not in listing and "not found" not in listing
