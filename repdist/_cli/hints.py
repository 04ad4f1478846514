"""What a command adds to the complaint that it was given too many files."""

from typing import Any

from typer.core import TyperCommand


def hinted(hint: str) -> type[TyperCommand]:
    """Return a kind of command that tells what to do where it has too many arguments."""

    class Hinted(TyperCommand):
        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            try:
                return super().parse_args(ctx, args)
            except Exception as error:
                message = getattr(error, "message", "")
                if message.startswith("Got unexpected extra argument"):
                    error.message = f"{message}: {hint}"  # type: ignore[attr-defined]
                raise

    return Hinted
