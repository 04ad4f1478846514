"""The words of statistics on the page, in plain ones."""

import html

WORDS = {
    "features": "The 64 numbers by which the network describes an image: averages of its 64 last "
    "maps over the image (global average pooling, GAP).",
    "class activation map": "A picture of which places of an image speak for a class (or against "
    "it). Its average over the image is the score of the class; the class with the highest score "
    "is what the network names.",
    "kernel": "A rule that says how alike two images are to the network: 1 for equal features, "
    "near 0 for very different ones. Here the mean of several Gaussian curves of different widths.",
    "bandwidth": "The width of such a Gaussian curve: at what difference of features two images "
    "begin to count as unlike. Differences much smaller or much larger than it are hard to see.",
    "MMD²": "The distance of two classes, squared: how much more alike images are within a class "
    "than across the two. 0 means that nothing tells the classes apart; more is farther. "
    "“Unbiased” means that it is 0 on average if there is no difference, so it can be a little "
    "below 0.",
    "p-value": "How often chance alone makes a difference at least as large: the labels of the "
    "images are dealt out anew many times (relabelings), and the p-value is the share of those "
    "that look at least as different as the true ones. Small means: chance alone hardly does this.",
    "Holm": "Who asks 45 questions finds a small p-value by luck. Holm's rule makes the p-values "
    "larger, so that in the whole table the chance of even one false alarm stays below 5 %.",
    "95 % interval": "How exact a number is: a range made so that it holds the true one (that of "
    "endlessly many images, or digits) in 95 of 100 such studies. A narrow one means an exact "
    "number.",
    "noise floor": "What two samples of one and the same class show: their MMD² lies below the "
    "floor in 95 of 100 cases. A distance near the floor says nothing.",
    "times the floor": "The distance divided by the floor, the larger one of the two classes: how "
    "clearly they differ. It grows with the number of images.",
    "effect": "The distance divided by the spread within the two classes (how unlike two images of "
    "one class are): how far apart they are, whatever the number of images and the kernel's scale. "
    "Effects of different networks compare; distances do not.",
    "rank correlation": "Whether two lists of numbers go up together: 1 if the order is the same "
    "in both, −1 if it is reversed, about 0 if one says nothing of the other.",
    "witness": "For an image, how much more it is like its own class than like another one. "
    "Images with a high witness are typical of the difference.",
}


def term(word: str, text: str | None = None) -> str:
    """Link to a word of the list; shown is `text`, or the word."""
    return f'<a class="term" href="#{anchor(word)}">{html.escape(text or word)}</a>'


def anchor(word: str) -> str:
    """Return the place of a word on the page."""
    letters = "".join(c if c.isascii() and c.isalnum() else "-" for c in word.lower())
    if word not in WORDS:
        raise KeyError(word)
    return f"word-{letters.strip('-')}"


def word_list() -> str:
    """Return the words and what they mean."""
    entries = "".join(
        f'<dt id="{anchor(word)}">{html.escape(word)}</dt><dd>{html.escape(meaning)}</dd>'
        for word, meaning in WORDS.items()
    )
    return f"<dl>{entries}</dl>"
