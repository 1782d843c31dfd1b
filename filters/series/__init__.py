"""Derived series: expressions as tables that one kernel runs over the process image."""
