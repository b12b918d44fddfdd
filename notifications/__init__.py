"""What is said, to whom and by which channel: ladder, wording, letters, sending hours, channels."""
