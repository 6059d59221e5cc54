"""What the agents of running jobs may do with the bot: their tools, and how they get at them."""
