"""The reference receiver: what a platform must do with `fengsui/1`, and nothing more."""
