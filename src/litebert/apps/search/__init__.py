"""Search: documents → an index in a folder → hits, by words, by meaning, or by both."""
