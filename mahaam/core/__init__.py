"""Tools that know no job: errors, ids, payloads, texts, histograms."""
