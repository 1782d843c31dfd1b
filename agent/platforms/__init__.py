"""Platform codecs: views of the stored record, one file a format."""
