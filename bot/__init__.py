"""Who talks to people: the doors that requests come in by, and the news that goes out."""
