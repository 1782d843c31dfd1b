"""Measures the agent under load on one machine; see `docs/bench.md`."""
