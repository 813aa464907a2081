"""What secrets look like: the names that they stand under, the shapes that they have, the places that hold them."""
