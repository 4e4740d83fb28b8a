"""The compiled half of coresnap: two cffi extensions, executables, and bytecode.

Everything compiled is optional. Without a C compiler the pure-Python twins of
``coresnap._native`` serve, and what could not be built is named on the way. Bytecode is
in one file, from which the command imports its modules (docs/adr/0031).
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path

from setuptools import setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py
from setuptools.errors import CCompilerError

SOURCE = Path(__file__).parent / "src"
sys.path.insert(0, str(SOURCE))
from coresnap.views.cli.module_archive import archive_name, packed  # noqa: E402

LIBRARY = sorted(map(str, Path("native/library").glob("*.c")))
WARNINGS = ["-Wall", "-Wextra"]
PACKAGES = ["-I/usr/local/include"]
"""Where FreeBSD's packages have their headers; its compiler does not look there."""


class BuildModules(build_py):
    """Copy the modules, and compile them into one file beside them."""

    def run(self) -> None:
        """Leave the file out where the modules are imported from the source tree."""
        super().run()
        if self.editable_mode:
            return
        modules = {}
        for path in sorted(SOURCE.glob("coresnap/**/*.py")):
            file = path.relative_to(SOURCE)
            is_package = file.name == "__init__.py"
            name = ".".join((file.parent if is_package else file.with_suffix("")).parts)
            modules[name] = (is_package, file.as_posix(), path.read_bytes())
        Path(self.build_lib, "coresnap", archive_name()).write_bytes(packed(modules))


class BuildNative(build_ext):
    """Build the extensions, then the executables, into ``coresnap/libexec``."""

    def run(self) -> None:
        """Build what the compiler at hand can build."""
        super().run()
        catch = sorted(map(str, Path("native/catch").glob("*.c")))
        if sys.platform == "linux":  # what core_pattern starts, and nobody else
            self._program("coresnap-catch", [*catch, *LIBRARY], ["-O2"], static=True)
        self._program("coresnap-crash", ["native/crash/crash.c"], ["-O0", "-g"])

    def _program(
        self, name: str, sources: list[str], flags: list[str], *, static: bool = False
    ) -> None:
        flags = ["-std=c11", "-D_GNU_SOURCE", *WARNINGS, *flags, "-pthread"]
        try:
            objects = self.compiler.compile(
                sources,
                output_dir=str(Path(self.build_temp, name)),
                include_dirs=["native/library"],
                extra_postargs=flags,
            )
            self._link(name, objects, static=static)
        except CCompilerError as problem:
            self.warn(f"{name} is not built, what needs it will say so: {problem}")

    def _link(self, name: str, objects: list[str], *, static: bool) -> None:
        # A static helper starts faster and does not care about a libc that is
        # just being upgraded; some systems have no static libc, though.
        options = [["-static", "-pthread"]] if static else []
        for attempt in [*options, ["-pthread"]]:
            try:
                self.compiler.link_executable(
                    objects,
                    name,
                    output_dir=str(self._libexec()),
                    extra_postargs=attempt,
                )
            except CCompilerError:
                if attempt == ["-pthread"]:
                    raise
            else:
                return

    def _libexec(self) -> Path:
        if self.inplace:
            package = self.get_finalized_command("build_py").get_package_dir("coresnap")
        else:
            package = str(Path(self.build_lib, "coresnap"))
        return Path(package, "libexec")


def has_header(name: str) -> bool:
    """Say whether the C compiler at hand finds a header."""
    compiler = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"
    flags = os.environ.get("CPPFLAGS", "") + " " + os.environ.get("CFLAGS", "")
    try:
        probe = subprocess.run(
            [*shlex.split(compiler), *shlex.split(flags), *PACKAGES, "-E", "-xc", "-"],
            input=f"#include <{name}>\n".encode(),
            capture_output=True,
            check=False,
        )
    except OSError:
        return False
    return probe.returncode == 0


def extensions() -> list[str]:
    """Name the cffi build scripts whose prerequisites are here."""
    modules = [
        "native/native_build.py:ffibuilder",
        "native/capstone_build.py:ffibuilder",
    ]
    if not Path("native/libdw_build.py").exists():
        return modules
    if has_header("elfutils/libdw.h"):
        return [*modules, "native/libdw_build.py:ffibuilder"]
    print(
        "coresnap: <elfutils/libdw.h> not found: building without functions, lines"
        " and variables from DWARF. Install libdw-dev (Debian), elfutils-devel"
        " (Fedora) or elfutils (FreeBSD) and build again to have them."
    )
    return modules


setup(
    cffi_modules=extensions(),
    cmdclass={"build_py": BuildModules, "build_ext": BuildNative},
    # Without this the wheel claims one Python although the extensions are abi3.
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
