"""The course of a training: how far apart the classes were, and how many images were misnamed.

The files of the training that the study shows are made by::

    python -m experiments.lenet_gap.course FOLDER

from the folder that ``repdist lenet-gap train`` wrote.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

HERE = Path(__file__).parent
TABLES_PATH, LOG_PATH = HERE / "training_tables.csv", HERE / "training_tables_log.csv"
CHECKPOINTS = (0.05, 0.15)  # of the images: tables that are shown beside the first and the last


@dataclass(frozen=True)
class Course:
    """What a training logged after each round.

    Attributes
    ----------
    tables : DataFrame
        One row a checkpoint and a pair of classes: `images` (seen so far), `first`, `second`,
        `effect`.
    log : DataFrame
        One row a round: `images`, `canvas`, `validation_accuracy`, and more.
    """

    tables: "pd.DataFrame"
    log: "pd.DataFrame"

    @classmethod
    def load(cls, tables: str | Path = TABLES_PATH, log: str | Path = LOG_PATH) -> "Course":
        """Read the two files; by default those of the training that the study shows."""
        import pandas as pd

        return cls(pd.read_csv(tables, dtype={"first": str, "second": str}), pd.read_csv(log))

    @classmethod
    def of_training(cls, folder: str | Path) -> "Course":
        """Read what `train` wrote into a folder."""
        import pandas as pd

        loaded = cls.load(Path(folder, "tables.csv"), Path(folder, "log.csv"))
        images = pd.concat([pd.Series([0]), loaded.log["images"]], ignore_index=True)
        made = loaded.tables[loaded.tables["epochs"] < len(images)]  # one may be ahead of the log
        tables = made[["first", "second", "effect"]].reset_index(drop=True)
        tables.insert(0, "images", images.loc[made["epochs"]].to_numpy())
        return cls(tables, loaded.log)

    def save(self, tables: str | Path, log: str | Path) -> None:
        """Write the two files, with the digits that are worth their place."""
        self.tables.to_csv(tables, index=False, float_format="%.4g")
        self.log.to_csv(log, index=False, float_format="%.6g")

    @property
    def images(self) -> list[int]:
        """Images seen at each checkpoint, in their order; the first is 0."""
        return sorted(set(self.tables["images"].tolist()))

    def curves(self) -> "pd.DataFrame":
        """Return the effects, one row a checkpoint, one column a pair."""
        return self.tables.pivot_table(
            index="images", columns=["first", "second"], values="effect", sort=False
        ).sort_index()

    def table(self, images: int) -> "pd.DataFrame":
        """Return the effects at a checkpoint as a symmetric table, its diagonal NaN."""
        rows = self.tables[self.tables["images"] == images]
        names = sorted({*rows["first"], *rows["second"]})
        upper = rows.pivot(index="first", columns="second", values="effect")
        upper = upper.reindex(index=names, columns=names)
        return upper.combine_first(upper.T).rename_axis(index=None, columns=None)

    def shown(self) -> list[int]:
        """Choose the checkpoints whose tables are shown: first, two early ones, last."""
        images = np.array(self.images)
        early = [int(images[np.abs(images - share * images[-1]).argmin()]) for share in CHECKPOINTS]
        return [int(images[0]), *early, int(images[-1])]


def main() -> None:
    """Make the files of the study from a training."""
    (folder,) = sys.argv[1:]
    Course.of_training(folder).save(TABLES_PATH, LOG_PATH)


if __name__ == "__main__":
    main()
