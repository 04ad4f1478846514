"""What is said of each picture: to who cannot see it, and below it."""

PICTURES = {  # by name: the text in its place, and the caption
    "samples": (
        "Two cluttered images of each class; in the first row a frame marks the digit.",
        "Two images of each class. The frame marks the digit; the network is not told where it is.",
    ),
    "network": (
        "Diagram: image of 100 x 100, convolution 5 x 5 to 32 maps, maximum 2 x 2, convolution "
        "5 x 5 to 64 maps, maximum 2 x 2, average to 64 features, weights 64 x 10 to ten scores.",
        "The network, with the shape of what each step makes. The 64 features, in red, are what "
        "this page compares.",
    ),
    "training": (
        "Loss, error rate and learning rate against the images seen; both fall, fast where the "
        "full images begin.",
        "The training of the weights that come with repdist. Training images come in two sizes, "
        "the validation always shows the full one.",
    ),
    "cams": (
        "Ten images, one of each class, named right; orange lies on the digit, blue on pieces of "
        "clutter.",
        "One image of each class that the network names right. Orange speaks for the class, blue "
        "against it; the score is the average over the image.",
    ),
    "cams_of_mistakes": (
        "Misnamed images in pairs: the colours of the true class, and of the class that was named.",
        "Mistakes, each shown twice: what speaks for the true class (left) and for the class that "
        "the network named (right), on one scale of colours.",
    ),
    "post_tables": (
        "Heat maps of mmd_rbf for 1, 2, 10, 50 and 150 images a side, and the p-values at two.",
        "mmd_rbf on x images a side. Row i takes its images from class i, column j the "
        "next ones from class j, so the diagonal compares a class with itself. All on one scale.",
    ),
    "post_curve": (
        "The value against the number of images, for the same class and for two classes.",
        "Mean and 90 % range over random choices of images. Left: the post's value falls with n "
        "for one class, on the line that theory gives. Right: without the diagonal one class is "
        "at 0 from two images on.",
    ),
    "table": (
        "Heat map of MMD² between the ten classes; its numbers are in pairs.csv.",
        "MMD² of each pair; classes that are close stand beside each other. Framed, on the "
        "diagonal: the noise floor of the class.",
    ),
    "dendrogram": (
        "Tree of the ten classes; close ones join low.",
        "Who is close to whom: two branches join at the height of their distance, the root of "
        "MMD².",
    ),
    "map": (
        "Map of the ten classes in the plane, one point each.",
        "The classes as points whose distances are near to the roots of MMD² (classical scaling); "
        "the share above it says how much of the distances fits into a plane. The axes have no "
        "unit of their own; the bar shows the noise floor.",
    ),
    "power": (
        "Share of tries that tell two classes apart against the images of each class; none with "
        "2 or 3, nearly all with 5.",
        "How often a test tells two classes apart. The line of a pair ends where it does in 9 of "
        "10 tries; the numbers are in images_needed.csv.",
    ),
    "typical": (
        "For each class three digits with the contour lines of their class activation maps.",
        "The digits and their surroundings in the most typical images of each class against its "
        "nearest one, with lines at 30, 60 and 90 % of the peak of the map of their class. The "
        "number is the digit's place in its file.",
    ),
    "confusion": (
        "Confusion matrix, distance matrix, and one against the other for all pairs.",
        "Mistakes and distances of the same pairs; the diagonal on the left counts what is right.",
    ),
    "control": (
        "Heat maps of the effect for the trained network, an untrained one and raw pixels.",
        "Effect of each pair, on one scale.",
    ),
    "course": (
        "Effect of the 45 pairs of classes and error rate against images seen in the training, and "
        "tables of the effect at four moments of it.",
        "Above: the effect of each pair, and the share of misnamed images, as the network learns. "
        "Below: all pairs at four moments, on one scale.",
    ),
}
NARROW = {"dendrogram", "map"}  # beside each other where there is room
ON_PHONES = {"power": "power_narrow"}  # another picture where there is none
