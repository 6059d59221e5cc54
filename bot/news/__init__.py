"""What happens to jobs goes out to people by this one door."""
