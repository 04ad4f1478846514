"""Which call answers which question: one table for README, documentation and command line."""

from typing import NamedTuple


class Answer(NamedTuple):
    """A question, and what answers it.

    Attributes
    ----------
    question : str
    call : str
        In Python, in Markdown.
    command : str
        On the command line, or empty.
    page : str
        Of `docs/howto`, without its ending, or empty.
    leads : bool
        Whether it stands on the first pages, too.
    """

    question: str
    call: str
    command: str = ""
    page: str = ""
    leads: bool = True


GUIDE = (
    Answer("Do two samples differ?", "`mmd_test(X, Y)`", "test A B"),
    Answer(
        "In which columns do they differ?", "`column_test(X, Y)`", "columns A B", "what_differs"
    ),
    Answer("In which regions?", "`region_test(X, Y)`", "regions A B", "which_regions_and_rows"),
    Answer(
        "Which rows are most typical of one beside the other?",
        "`witness(X, Y)`",
        "witness A B",
        "which_regions_and_rows",
    ),
    Answer(
        "All that can be said of two samples, on one page",
        "`explain(X, Y)`",
        "test A B --html PAGE",
        "what_differs",
    ),
    Answer(
        "The same rows twice (one set of images, two checkpoints): did anything change?",
        "`mmd_test(X, Y, paired=True)`",
        "test A B --paired",
        "which_design",
    ),
    Answer(
        "Rows come in clusters (frames of one video, cells of one donor)",
        "`clusters=(ids_x, ids_y)`, of one id a pair if `paired=True`",
        "test A B --clusters COLUMN",
        "which_design",
    ),
    Answer(
        "Classes or batches come in other shares: do samples differ inside them?",
        "`strata=(ids_x, ids_y)`",
        "test A B --strata COLUMN",
        "which_design",
    ),
    Answer(
        "Which of these groups differ, and how far? Do any?",
        "`pairwise_mmd_test(groups, labels)`, its `global_test()`",
        "matrix F --labels y",
        "many_groups",
    ),
    Answer(
        "Which groups differ from a reference, and which is closest (windows, generators)?",
        "`compare_to_reference(reference, groups)`",
        "against REF A B C",
        "against_a_reference",
    ),
    Answer(
        "Are they close enough?",
        "`mmd_test(X, Y).equivalence(margin)`, margin of `effect`; also of a comparison with a "
        "reference",
        "equivalence A B --margin D",
        "close_enough",
    ),
    Answer(
        "In which classes do two samples differ?",
        "`compare_by_label(X, x_labels, Y, y_labels)`",
        "by-label A B --labels y",
        "within_classes",
    ),
    Answer(
        "Week after week, on any machine: has it drifted, with alarms that are rarely false?",
        "`Monitor(Reference(rows))`, `Reference.sketch(rows)`",
        "monitor REF WEEK",
        "monitor",
    ),
    Answer(
        "How good are generated samples: KID, CMMD, KAD, FID with an error?",
        "`metrics.kid(real, fake)`, `metrics.by_label`; in a loop `torchmetrics.KernelDistance`",
        "metric kid REAL FAKE",
        "generators",
    ),
    Answer(
        "Ten million rows",
        '`mmd_test(X, Y, method="landmarks")`',
        "test A B --method landmarks",
        "large_data",
    ),
    Answer(
        "How far apart, as a number?",
        "`mmd_test(X, Y)`: `effect`, and `mmd_squared` with its error; `mmd_squared(X, Y)` alone",
        "test A B",
        "close_enough",
    ),
    Answer(
        "How far apart, as a loss in torch?",
        "`repdist.torch.MMDLoss`, or `mmd_squared` of tensors",
        "",
        "torch_loss",
    ),
    Answer(
        "Does the test hold its level on rows like mine?",
        "`check_level(X, Y)`",
        "check A B",
        "check_your_data",
    ),
    Answer("How many rows do I need?", "`estimate_power(X, Y)`", "power A B", "check_your_data"),
    Answer(
        "One bandwidth; the means alone; no bandwidth; heavy tails",
        "`kernels.RBF()`; `kernels.Linear()`; `kernels.Energy()`; `kernels.RationalQuadratic()`",
        "test A B --kernel rbf",
    ),
    Answer(
        "What did the old `mmd_rbf` function compute?",
        '`kernel=kernels.MultiRBF.like_mmd_rbf()`, `estimator="biased"`',
        "",
        "migrate",
    ),
    Answer(
        "I have a kernel matrix, or data that are no vectors",
        "`kernel=kernels.Precomputed(K)`, samples are row numbers",
    ),
    Answer(
        "I have a matrix of distances `D`",
        "`kernel=kernels.Precomputed(-D)`: a kernel is larger where rows are more alike",
        leads=False,
    ),
    Answer(
        "Which of several visits of the same donors differ?",
        '`pairwise_mmd_test(table, "visit", paired=True, clusters="donor")`',
        "",
        "many_groups",
        leads=False,
    ),
    Answer(
        "Do these pairs of groups differ, and no others?",
        '`pairwise_mmd_test(groups, labels, comparisons=[("a", "b")])`',
        "",
        "within_classes",
        leads=False,
    ),
    Answer(
        "How do I compare rows that lie on several machines, or may not be moved?",
        "`Reference(rows)` and its `sketch(rows)`, which add up",
        "sketch REF ROWS",
        "monitor",
        leads=False,
    ),
    Answer(
        "Which generator is closest to the real images, and is that settled?",
        "`compare_to_reference(real, fakes, kernel=kernels.Polynomial())`: `closest`, `rank_low` "
        "to `rank_high`",
        "against REAL A B --kernel polynomial",
        "generators",
        leads=False,
    ),
    Answer(
        "How do classes move apart while a network learns?",
        "a callback in `model.fit`",
        "",
        "keras_callback",
        leads=False,
    ),
    Answer(
        "Do the means differ, and nothing else?",
        "`kernel=kernels.Linear()`",
        "test A B --kernel linear",
        leads=False,
    ),
    Answer(
        "Do two networks, trained apart, represent alike?",
        "none here: CKA or Procrustes",
        leads=False,
    ),
)


def question_of(command: str) -> str:
    """Return the question that a command answers."""
    return next(row.question for row in GUIDE if row.command.split(" ")[0] == command)


def table(pages: str, *, leads: bool) -> str:
    """Return the table in Markdown, with links to pages in this folder.

    Parameters
    ----------
    pages : str
        The folder of `docs/howto`, from the file that holds the table.
    leads : bool
        Whether to leave out what only some ask.
    """
    lines = ["| question | call | command line |", "|---|---|---|"]
    for row in GUIDE:
        if row.leads or not leads:
            question = f"[{row.question}]({pages}{row.page}.md)" if row.page else row.question
            command = f"`repdist {row.command}`" if row.command else ""
            lines.append(f"| {question} | {row.call} | {command} |")
    return "\n".join(lines)
