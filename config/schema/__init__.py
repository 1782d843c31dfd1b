"""The JSON Schema of `plant.yaml`, for editors and other programs; `plant.schema.json` is generated."""
