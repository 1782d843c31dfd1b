"""The running program: wiring, polling grid, pipeline, uplinks, platform codecs, status, command line."""
