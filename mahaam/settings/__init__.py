"""Live settings: who changed what, and the verbs that change them."""
