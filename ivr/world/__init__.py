"""What the world knows and we ask of libraries: numbers, holidays, wording, time."""
