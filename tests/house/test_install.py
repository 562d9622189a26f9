"""What `make install` puts down works for programs: through pkg-config, through CMake, from Python, and the command."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = """#include <cstdio>
#include <tenon/tenon.hpp>
int main() {
  auto root = tenon::Scope::NewRootScope();
  auto sum = tenon::ops::Add(root, 1.f, 2.f);
  tenon::ClientSession session(root);
  std::printf("%g\\n", session.run({sum})[0].scalar<float>()());
}
"""
PROJECT = """cmake_minimum_required(VERSION 3.16)
project(use CXX)
set(CMAKE_CXX_STANDARD 17)
find_package(tenon 0.1 REQUIRED)
add_executable(use use.cpp)
target_link_libraries(use tenon::tenon)
"""


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """The folder that stands for /usr/local."""
    where = tmp_path_factory.mktemp("installed")
    run(["meson", "install", "-C", ROOT / "build", "--no-rebuild"], env={**os.environ, "DESTDIR": str(where)})
    return where / "usr" / "local"


@pytest.fixture(scope="module")
def loader(prefix):
    """An environment in which programs find the library."""
    library = next(prefix.rglob("libtenon.so"))
    return {**os.environ, "LD_LIBRARY_PATH": str(library.parent)}


def test_pkg_config(prefix, loader, tmp_path):
    (tmp_path / "use.cpp").write_text(SOURCE)
    found = next(prefix.rglob("tenon.pc"))
    env = {**os.environ, "PKG_CONFIG_PATH": str(found.parent), "PKG_CONFIG_SYSROOT_DIR": str(prefix.parents[1])}
    flags = run(["pkg-config", "--cflags", "--libs", "tenon"], env=env).split()
    run(["c++", "-std=c++17", "use.cpp", "-o", "use", *flags], cwd=tmp_path)
    assert run([tmp_path / "use"], env=loader) == "3\n"


def test_cmake(prefix, loader, tmp_path):
    if not shutil.which("cmake"):
        pytest.skip("cmake is not installed: scripts/bootstrap test installs it")
    (tmp_path / "use.cpp").write_text(SOURCE)
    (tmp_path / "CMakeLists.txt").write_text(PROJECT)
    config = next(prefix.rglob("tenonConfig.cmake")).parent
    run(["cmake", "-S", ".", "-B", "made", f"-Dtenon_DIR={config}"], cwd=tmp_path)
    run(["cmake", "--build", "made"], cwd=tmp_path)
    assert run([tmp_path / "made" / "use"], env=loader) == "3\n"


def test_command(prefix, loader):
    assert "tenon" in run([prefix / "bin" / "tenon", "--version"], env=loader)


def test_python(prefix, loader):
    package = next(path for path in prefix.rglob("tenon") if (path / "__init__.py").exists())
    program = "import tenon; print(tenon.__version__, tenon.__file__)"
    env = {**loader, "PYTHONPATH": str(package.parent)}
    done = run([ROOT / ".venv" / "bin" / "python", "-c", program], env=env, cwd=prefix)
    assert str(package) in done
