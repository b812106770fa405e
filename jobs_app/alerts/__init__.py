"""What tells people that something is wrong: when it is told, by which channels, and that it goes out."""
