"""The shared words and the plant description; knows nothing of the rest of the program."""
