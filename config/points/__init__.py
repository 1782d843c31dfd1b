"""Point tables: CSV files as engineers and spreadsheets write them, read into tags."""
