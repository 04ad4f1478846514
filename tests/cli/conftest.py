"""The command line, run in the process of the tests."""

import sys

import pytest

from repdist._cli import commands


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command line in this process: exit code, output, messages."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["repdist", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            commands.main()
        return stopped.value.code, *capsys.readouterr()

    yield run
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
