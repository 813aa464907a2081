"""The pages: each checks access, asks one question or gives one order, and renders."""
