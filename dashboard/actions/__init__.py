"""The verbs that an operator can run from a page, with their inputs, previews and bulk work."""
