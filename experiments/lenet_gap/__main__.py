"""Command line of the case study: the study itself, and the training of its network."""

import shlex
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from .data import download_mnist, load_digits
from .model import WEIGHTS_PATH, Weights, require_tensorflow

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

Mnist = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        help="Folder with the four raw idx files, plain or .gz, or an mnist.npz. By default the "
        "digits that come with repdist.",
    ),
]
Download = Annotated[bool, typer.Option("--download", help="Fetch all of MNIST, once, and use it.")]


@app.callback(invoke_without_command=True)
def study(
    context: typer.Context,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where to write the study.")] = Path(
        "lenet_gap_out"
    ),
    mnist: Mnist = None,
    download: Download = False,
    weights: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Weights of another training (weights.npz)."),
    ] = None,
) -> None:
    """Study how far apart ten classes of digits are for a network.

    LeNet with global average pooling names digits in cluttered images. The study compares its
    features class by class and writes tables, pictures and a page, report.html, into a folder.
    """
    if context.invoked_subcommand is not None:
        for name in ("out", "mnist", "download", "weights"):
            source = context.get_parameter_source(name)
            if source is not None and source.name != "DEFAULT":
                raise ValueError(f"`--{name}` must come after `{context.invoked_subcommand}`.")
        return
    require_tensorflow()
    from .run import PAGE, run

    start = time.perf_counter()
    _, test = load_digits(_source(mnist, download))
    origin = (
        f"The digits are {_named(mnist, download)}; the weights are "
        f"{'those that come with repdist' if weights is None else weights.name}."
    )
    result = run(
        test,
        Weights.load(WEIGHTS_PATH if weights is None else weights),
        out,
        origin=origin,
        say=lambda text: _say(f"{time.perf_counter() - start:5.1f} s  {text}"),
    )
    low, high = result.accuracy_interval
    print(
        f"Accuracy on {len(result.images.labels):,} images of unseen digits: "
        f"{result.n_right / len(result.images.labels):.2%} (95 % interval {low:.2%} to {high:.2%})"
        f"\n\n{result.table}\n\nReport: {out / PAGE}\n"
        f"Total time: {time.perf_counter() - start:.1f} s"
    )


@app.command()
def train(
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where to write; a stopped training goes on.")
    ] = Path("lenet_gap_training"),
    mnist: Mnist = None,
    download: Download = False,
    images: Annotated[int, typer.Option(min=1, help="Cluttered images to train on.")] = 1_000_000,
    seed: Annotated[int, typer.Option(min=0, help="Of the first weights and of the images.")] = 0,
) -> None:
    """Train the network: about 40 minutes for a million images on two cores."""
    require_tensorflow()
    from .train import train as train_network

    digits = load_digits(_source(mnist, download))
    report = train_network(
        *digits, out, n_images=images, seed=seed, command=_command(mnist, download, images, seed)
    )
    low, high = report["test_accuracy_interval"]
    print(
        f"Accuracy on {report['test_images']:,} cluttered images of unseen digits: "
        f"{report['test_accuracy']:.2%} (95 % interval {low:.2%} to {high:.2%})\n"
        f"Weights: {out / 'weights.npz'}"
    )


@app.command()
def notebook(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A new file, such as study.ipynb.")],
) -> None:
    """Write a notebook that goes through the study step by step, as the post did."""
    from .notebook import write_notebook

    write_notebook(out)
    print(f"Notebook: {out}")


def _source(mnist: Path | None, download: bool) -> Path | None:
    if download and mnist is not None:
        raise ValueError("`--download` and `--mnist` must not both be given; leave one out.")
    return download_mnist() if download else mnist


def _named(mnist: Path | None, download: bool) -> str:
    if download:
        return "those of MNIST"
    return (
        f"those in {mnist.resolve().name}"
        if mnist is not None
        else "the subset of MNIST in repdist"
    )


def _command(mnist: Path | None, download: bool, images: int, seed: int) -> str:
    """Return the call that repeats a training, without the folders of this machine."""
    words = ["repdist", "lenet-gap", "train"]
    if download:
        words.append("--download")
    elif mnist is not None:
        words += ["--mnist", mnist.resolve().name]
    return shlex.join([*words, "--images", str(images), "--seed", str(seed)])


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Run the command line; bad input ends with its message and exit code 2."""
    try:
        app(prog_name="python -m experiments.lenet_gap")
    except (ImportError, OSError, TypeError, ValueError, MemoryError) as error:
        _say(f"lenet-gap: {error or 'out of memory'}")
        sys.exit(2)


if __name__ == "__main__":
    main()
