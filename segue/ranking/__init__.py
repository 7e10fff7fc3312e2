"""From listener profiles to recommendations: candidate sources, re-ranking, reasons, variants."""
