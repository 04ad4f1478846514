"""What a command prints and writes, and messages in the words of the shell."""

import inspect
import json
import os
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import repdist
from repdist._cli.load import input_path
from repdist._files import checked_target

ENDINGS = {
    "--plot": (".png", ".svg", ".pdf"),
    "--html": (".html", ".htm"),
    "--csv": (".csv",),
    "--output": (".npz",),
    "--state": (".npz",),
}
# Options by the names of arguments, and how messages write values that they advise.
_WORDS = {
    "n_resamples": "--resamples", "rng": "--seed", "alpha": "--alpha", "sizes": "--sizes",
    "n_repetitions": "--repetitions", "combine": "--combine", "adjust": "--adjust",
    "paired": "--paired", "clusters": "--clusters", "strata": "--strata",
    "unmatched": "--unmatched", "method": "--method", "n_landmarks": "--landmarks",
    "kernel": "--kernel", "n_regions": "--regions", "margin": "--margin",
    "rows_per_bin": "--rows-per-bin",
    "subsets": "--subsets", "subset_size": "--subset-size",
}  # fmt: skip
_ADVICE = re.compile(r'`?\b(\w+)=(?:True|"(\w+)"|\[(\d+)\]|(\(ids_x, ids_y\)))`?')
_SLOW = "all pairs of"  # how a caution begins that is told before the work


def show(
    result: Any, as_json: bool, outputs: dict[str, Path], of_rows: str = "", **of_plot: Any
) -> None:
    """Print the result, then write the files that were asked for; JSON says `of_rows`, too."""
    try:
        if as_json:
            record = result.to_dict()
            if of_rows:
                record["preparation"] = of_rows
            print(json.dumps(record, indent=2), flush=True)
        else:
            print(with_options(str(result)), flush=True)
    finally:  # the work is done, whoever reads the output
        write(result, outputs, of_rows, **of_plot)


def write(result: Any, outputs: dict[str, Path], of_rows: str = "", **of_plot: Any) -> None:
    """Write a result as the files that were asked for, by option.

    The heading of a page says what was done to the rows, `of_rows`, as its call cannot.
    """
    if {"--html", "--plot"} & outputs.keys():
        import matplotlib as mpl

        mpl.use("Agg")
    for option, path in outputs.items():
        with in_words_of_the_user({"path": option}):
            if option == "--csv":
                result.to_csv(path)
            elif option == "--html":
                result.to_html(path, **_headed(result, of_rows))
            elif option == "--output":
                result.save(path)
            else:
                from repdist.plotting import save_figure

                save_figure(result.plot(**of_plot), path)


def _headed(result: Any, of_rows: str) -> dict[str, str]:
    """Return the heading of a page that says what was done to the rows, if anything was."""
    if not of_rows:
        return {}
    heading = inspect.signature(result.to_html).parameters["title"].default
    return {"title": f"{heading} {of_rows}"}


@contextmanager
def in_words_of_the_user(files: dict[str, str]) -> Iterator[None]:
    """Let messages name files and options where the library names its arguments."""
    try:
        with warnings.catch_warnings():
            if "path" not in files:  # what a question warns of is a caution of its result
                warnings.simplefilter("ignore", repdist.RepdistWarning)
                warnings.filterwarnings("always", _SLOW, repdist.RepdistWarning)
            yield
    except (OSError, TypeError, ValueError) as error:
        raise ValueError(_reworded(str(error), _WORDS | files)) from None


def _reworded(message: str, words: dict[str, str]) -> str:
    """Return a message without advice in Python, with the user's words for the arguments."""
    message = with_options(message)
    first, *others = re.split(r"(?<=[.?!]) (?=[A-Z])", message)
    own = re.compile(rf"({'|'.join(map(re.escape, words))})(\[.*\])?|--.*")
    kept = [text for text in others if all(map(own.fullmatch, re.findall("`([^`]*)`", text)))]
    text = " ".join([first, *kept])
    for name, word in words.items():
        text = text.replace(f"`{name}`", f"`{word}`").replace(f"`{name}[", f"`{word}[")
    return text


def with_options(text: str) -> str:
    """Return a text with options in the place of what it advises in Python."""
    return _ADVICE.sub(_as_option, text)


def _as_option(advice: re.Match[str]) -> str:
    """Return `unmatched="drop"` as `--unmatched drop`, what is no option as it is."""
    name, text, number, ids = advice.groups()
    if name not in _WORDS:
        return advice[0]
    return f"`{' '.join(filter(None, (_WORDS[name], text, number, ids and 'COLUMN')))}`"


def checked_outputs(given: dict[str, Path | None], inputs: Iterable[str]) -> dict[str, Path]:
    """Return the files that were asked for, by option, once each can be written.

    None is an input or another output, whatever links lead there.
    """
    outputs = {option: path for option, path in given.items() if path is not None}
    taken = {name: input_path(name) for name in inputs}
    for option, path in outputs.items():
        _check_ending(option, path.name, path)
        with in_words_of_the_user({"path": option}):
            target = checked_target(path)
        _check_ending(option, f"{path.name}, a link to {target.name}", target)
        if target.exists() and not os.access(target, os.W_OK):
            raise OSError(f"`{option}` must be a file that can be written; got {path}.")
        for name, other in taken.items():
            if target == other or (target.exists() and other.exists() and target.samefile(other)):
                raise ValueError(f"`{option}` must not be the file of {name}; got {path}.")
        taken[f"`{option}`"] = target
    return outputs


def _check_ending(option: str, shown: str, path: Path) -> None:
    endings = ENDINGS[option]
    if path.suffix.lower() not in endings:
        expected = ", ".join(endings[:-1]) + " or " * (len(endings) > 1) + endings[-1]
        raise ValueError(f"`{option}` must end in {expected}; got {shown}.")
