"""Run the command line: `python -m repdist`."""

from repdist._cli.commands import main

if __name__ == "__main__":
    main()
