"""Starting, reading and stopping the processes of jobs."""
