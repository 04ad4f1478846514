"""From rows to blocks, in one pass over the kernel."""
