"""What a job is and how it runs. Imports nothing of the storeys above."""
