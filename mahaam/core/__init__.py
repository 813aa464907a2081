"""Utilities that do not depend on jobs: errors, ids, payloads, texts, histograms."""
