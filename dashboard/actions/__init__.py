"""What an operator can do from a page: the verbs, their inputs, previews and bulk work."""
