"""Everything computed on scans. Pure: no I/O, no clock of its own, no tasks."""
