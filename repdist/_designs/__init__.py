"""Which rows may change places: units of rows, their relabelings, cuts of many groups."""
