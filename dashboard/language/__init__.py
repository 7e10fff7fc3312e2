"""The interface in the language of its reader: the catalogue of texts, numbers, dates and durations."""
