"""The command line; imports the heavy parts only inside the commands that need them."""
