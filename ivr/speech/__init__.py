"""Speech to text without leaving the house: pydub prepares the audio, Vosk reads it, in a process of its own."""
