"""From blocks and relabelings to estimates, intervals and p-values; NumPy alone."""
