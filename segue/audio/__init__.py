"""From audio files to descriptors of how they sound."""
