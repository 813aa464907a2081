"""Recognition and masking of secrets: by their names, by their shapes, by the places that hold them."""
