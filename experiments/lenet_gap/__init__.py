"""The LeNet case study: how far apart are ten classes of digits, seen by a network."""
