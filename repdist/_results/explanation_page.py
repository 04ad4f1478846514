"""The page that tells all about two samples."""

from functools import partial
from typing import Any, Protocol

from repdist._numbers import (
    counted,
    typeset,
    with_equal_digits,
)
from repdist._report import Page, Picture, Table, column_of_names, column_of_numbers
from repdist._results.columns_page import (
    adjusted_column,
    column_of_texts,
    columns_table,
    differing,
    picture_of_columns,
)
from repdist._results.regions import in_points
from repdist._results.two_sample_page import TestToTell, components_of
from repdist._version import __version__

_MOST_ROWS, _TYPICAL = 10, 5
_MOST_SHARES = 12  # regions whose shares are drawn, as high as the map beside them

_REFERENCES = {
    "test": "A. Gretton, K. M. Borgwardt, M. J. Rasch, B. Schölkopf, A. Smola, “A kernel "
    "two-sample test”, JMLR 13, 723-773, 2012.",
    "columns": "J. Neyman, “‘Smooth test’ for goodness of fit”, Skandinavisk "
    "Aktuarietidskrift 20, 149-199, 1937.",
    "westfall-young": "P. H. Westfall, S. S. Young, Resampling-based multiple testing, Wiley, "
    "1993.",
    "holm": "S. Holm, “A simple sequentially rejective multiple test procedure”, Scandinavian "
    "Journal of Statistics 6, 65-70, 1979.",
    "newcombe": "R. G. Newcombe, “Interval estimation for the difference between independent "
    "proportions”, Statistics in Medicine 17, 873-890, 1998.",
}


class ExplanationToTell(Protocol):
    """All results about two samples, as a page tells them."""

    @property
    def test(self) -> TestToTell: ...
    @property
    def columns(self) -> Any: ...
    @property
    def regions(self) -> Any: ...
    @property
    def witness(self) -> Any: ...
    def call(self) -> str: ...


def page_of(result: ExplanationToTell, title: str, lead: str) -> Page:
    """Return the page: pictures of the four results, their tables, methods and references.

    `lead` is the summary as HTML.
    """
    columns, regions, witness = result.columns, result.regions, result.witness
    ranked = [] if witness is None else [_typical(witness)]
    drawn = [] if witness is None else [
        Picture(
            "Rows", witness.plot,
            "How much more of one sample than of the other lives at each row, as two "
            "distributions.",
        )
    ]  # fmt: skip
    return Page(
        title=title,
        lead=lead,
        pictures=(
            picture_of_columns(columns),
            Picture(
                "Null distribution", result.test.plot,
                "Null distribution with the observed statistic.",
            ),
            *drawn,
            Picture(
                "Regions", regions.plot,
                "Rows in the plane, coloured by which sample has more in their region; numbers in "
                "the table.",
            ),
            Picture(
                "Shares of the regions", partial(regions.plot_shares, n_regions=_MOST_SHARES),
                "Bars of the shares of both samples in regions; numbers in the table.",
            ),
        ),
        tables=(columns_table(columns), _regions(regions), *ranked, components_of(result.test)),
        method=" ".join((result.test.method(), columns.method(), regions.method())),
        call=result.call(),
        references=tuple(_references(columns, regions)),
    )  # fmt: skip


def _regions(result: Any) -> Table:
    frame = result.to_frame()
    typical = [result.typical(int(region), n_rows=_TYPICAL) for region in frame["region"]]
    ends = zip(frame["low"], frame["high"], strict=True)
    intervals = [typeset(in_points(low, high)) for low, high in ends]
    return Table(
        "Regions",
        f"{counted(len(frame), 'region')} of both samples together, made by k-means without a look "
        "at which row is of which sample. Rows in bold differ in their shares at .05, adjusted. "
        "Difference: of the shares, Y less X, in percentage points, an interval of 95 %. The rows "
        "nearest to the centre of a region are typical of it.",
        (
            column_of_numbers("Region", frame["region"], list(map(str, frame["region"])), "key"),
            *(
                column_of_numbers(heading, frame[name], [f"{v:.1%}" for v in frame[name]])
                for heading, name in (("Share of X", "share_x"), ("Share of Y", "share_y"))
            ),
            column_of_numbers("Difference", frame["difference"], intervals),
            adjusted_column(frame),
            *(
                column_of_texts(
                    heading, [", ".join(map(str, rows[sample])) or "–" for rows in typical]
                )
                for sample, heading in enumerate(("Typical rows of X", "Typical rows of Y"))
            ),
        ),
        bold=differing(frame),
    )


def _typical(result: Any) -> Table:
    of_x, of_y = result.most_typical(n_rows=_MOST_ROWS)
    names = ["X"] * len(of_x) + ["Y"] * len(of_y)
    rows = [*of_x.tolist(), *of_y.tolist()]
    values = [*result.values_x[of_x].tolist(), *result.values_y[of_y].tolist()]
    return Table(
        "Rows most typical of their sample",
        "The witness: above 0 where more of X lives, below 0 where more of Y does. A ranking, to "
        "look at; it has no p-values.",
        (
            column_of_names("Sample", names),
            column_of_numbers("Row", rows, [f"{row}" for row in rows], "key"),
            column_of_numbers("Witness", values, with_equal_digits(values)),
        ),
    )


def _references(columns: Any, regions: Any) -> list[str]:
    keys = dict.fromkeys(("test", "columns", columns.control, regions.control, regions.interval))
    software = f"repdist {__version__}: kernel two-sample tests for representations."
    return [software, *(_REFERENCES[key] for key in keys if key in _REFERENCES)]
