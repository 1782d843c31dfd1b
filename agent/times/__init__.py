"""Sources of UTC where nobody keeps the machine's clock; each gives samples to the timebase."""
