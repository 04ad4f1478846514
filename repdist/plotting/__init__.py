"""Pictures of values: a null distribution, a table of groups, rates; no result class is needed."""

from repdist.plotting._columns import plot_columns
from repdist.plotting._distances import plot_distances
from repdist.plotting._drift import plot_drift
from repdist.plotting._figures import TABLE_COLOURS, figure_of, save_figure
from repdist.plotting._groups import plot_dendrogram, plot_map
from repdist.plotting._null import plot_two_sample
from repdist.plotting._rates import plot_level, plot_power
from repdist.plotting._regions import plot_regions, plot_shares
from repdist.plotting._shapes import (
    ColumnsShape,
    CurveShape,
    DistancesShape,
    DriftShape,
    LevelShape,
    NullShape,
    RegionsShape,
    SharesShape,
    TableShape,
    WitnessShape,
)
from repdist.plotting._table import plot_table
from repdist.plotting._witness import plot_witness

__all__ = [
    "TABLE_COLOURS",
    "ColumnsShape",
    "CurveShape",
    "DistancesShape",
    "DriftShape",
    "LevelShape",
    "NullShape",
    "RegionsShape",
    "SharesShape",
    "TableShape",
    "WitnessShape",
    "figure_of",
    "plot_columns",
    "plot_dendrogram",
    "plot_distances",
    "plot_drift",
    "plot_level",
    "plot_map",
    "plot_power",
    "plot_regions",
    "plot_shares",
    "plot_table",
    "plot_two_sample",
    "plot_witness",
    "save_figure",
]
