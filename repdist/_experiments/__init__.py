"""Find the case studies: inside an installed package, or in `experiments/` of a checkout."""

from pathlib import Path

if not (Path(__file__).parent / "lenet_gap").is_dir():
    __path__.append(str(Path(__file__).parents[2] / "experiments"))
