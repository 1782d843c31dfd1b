"""The black box: what stood on the instruments before and after an alarm, at the full rate of the scans."""
