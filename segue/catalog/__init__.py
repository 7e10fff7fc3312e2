"""The catalogue: the audio files of all libraries, with their tags."""
