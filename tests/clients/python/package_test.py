"""The package as others get it: installs from its folder without an index, and its types hold."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from importlib.util import find_spec
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[3] / "bus" / "python"
MYPY = shutil.which("mypy", path="/usr/bin")


class PackageTest(unittest.TestCase):
    def run_in(self, folder: str, *command: str, path: str = "") -> str:
        done = subprocess.run(
            command,
            cwd=folder,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": path},
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout

    @unittest.skipUnless(find_spec("pip") and find_spec("wheel"), "python3-pip is missing")
    def test_pip_installs_it_from_its_folder(self) -> None:
        with tempfile.TemporaryDirectory() as work:
            shutil.copytree(FOLDER, f"{work}/source")  # pip builds in the folder itself.
            self.run_in(
                work,
                sys.executable,
                "-m",
                "pip",
                "install",
                "--disable-pip-version-check",
                "--no-index",
                "--no-build-isolation",
                "--no-deps",
                "--target",
                f"{work}/site",
                f"{work}/source",
            )
            where = self.run_in(
                work,
                sys.executable,
                "-c",
                "import keytrail, keytrail.aio, keytrail.testing; print(keytrail.__file__)",
                path=f"{work}/site",
            )
            self.assertEqual(where.strip(), f"{work}/site/keytrail/__init__.py")
            self.assertTrue(Path(f"{work}/site/keytrail/py.typed").exists())

    @unittest.skipUnless(MYPY, "mypy is missing")
    def test_types_hold_under_mypy_strict(self) -> None:
        examples = [str(path) for path in sorted((FOLDER / "examples").glob("*.py"))]
        with tempfile.TemporaryDirectory() as cache:
            self.run_in(str(FOLDER), str(MYPY), "--strict", "--cache-dir", cache, "-p", "keytrail")
            self.run_in(
                str(FOLDER),
                str(MYPY),
                "--strict",
                "--cache-dir",
                cache,
                *examples,
                path=str(FOLDER),
            )


if __name__ == "__main__":
    unittest.main()
