"""The store-and-forward log on disk; does not know what its payload means. Begin with `buffer/FORMAT.md`."""
