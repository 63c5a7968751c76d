"""Adds a file to an installation that Python reads when it starts: `library/lifrac-dolfinx.pth`.

The wheel of DOLFINx must be imported before what it brings, whatever a script imports first. Everything else is in
pyproject.toml.
"""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

NAME = "lifrac-dolfinx.pth"


class BuildWithFinder(build_py):
    """An ordinary build, with the file beside the package."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            source = Path(__file__).parent / "library" / NAME
            self.copy_file(str(source), str(Path(self.build_lib) / NAME), preserve_mode=False)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        return [*super().get_outputs(include_bytecode), str(Path(self.build_lib) / NAME)]


setup(cmdclass={"build_py": BuildWithFinder})
